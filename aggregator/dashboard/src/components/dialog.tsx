// Dialogs and menus are the browser's own: it keeps the focus, closes on Esc, and needs no script for it.
import { type ReactNode, useEffect, useId, useRef } from 'react';
import { Icon, type IconName } from './icons';

interface Props {
  title: string;
  onClose: () => void;
  children: ReactNode;
  className?: string;
  /** One that cannot be put away: the session ended. */
  isFirm?: boolean;
}

export function Dialog({ title, onClose, children, className = '', isFirm = false }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open) dialog.showModal();
  }, []);
  return (
    <dialog
      ref={ref}
      className={className}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        if (!isFirm) onClose();
      }}
      onClick={(event) => {
        if (event.target === ref.current && !isFirm) onClose();
      }}
    >
      <div className="inner">
        <header>
          <h2 id={id}>{title}</h2>
          {!isFirm && (
            <button type="button" className="button plain tiny icon-button" onClick={onClose} aria-label="Close">
              <Icon name="close" />
            </button>
          )}
        </header>
        {children}
      </div>
    </dialog>
  );
}

/** A button with a list under it. */
export function Menu({ label, icon, children, className = '' }: { label: ReactNode; icon?: IconName; children: ReactNode; className?: string }) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const place = () => {
    if (!button.current || !list.current) return;
    const box = button.current.getBoundingClientRect();
    const { offsetWidth: wide, offsetHeight: high } = list.current;
    const below = box.bottom + 4 + high < innerHeight || box.top < high;
    list.current.style.left = `${Math.max(8, Math.min(box.left, innerWidth - wide - 8))}px`;
    list.current.style.top = `${below ? box.bottom + 4 : box.top - high - 4}px`;
  };
  return (
    <span className="menu">
      <button ref={button} type="button" className={`button ${className}`} popoverTarget={id}>
        {icon && <Icon name={icon} />}
        {label}
        <Icon name="down" />
      </button>
      <div
        ref={list}
        id={id}
        popover="auto"
        onToggle={place}
        onClick={(event) => {
          if ((event.target as HTMLElement).closest('button, a')) list.current?.hidePopover();
        }}
      >
        {children}
      </div>
    </span>
  );
}
