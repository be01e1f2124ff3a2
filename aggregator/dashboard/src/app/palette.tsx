// Ctrl+K: pages, plants, and a search among alerts.
import { useNavigate } from '@tanstack/react-router';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useId, useRef, useState } from 'react';
import { api, must } from '../api/client';
import { useMe, may } from '../api/session';
import { PAGES } from '../pages';
import { Icon, type IconName } from '../components/icons';

interface Choice {
  label: string;
  hint: string;
  icon: IconName;
  to: string;
  search?: Record<string, string>;
}

export function Palette({ onClose }: { onClose: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  const me = useMe();
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const plants = useQuery({ queryKey: ['facilities'], queryFn: () => must(api.GET('/api/facilities')), staleTime: 60_000 });
  useEffect(() => {
    if (ref.current && !ref.current.open) ref.current.showModal();
  }, []);
  const asked = text.trim().toLowerCase();
  const all: Choice[] = [
    ...PAGES.filter((page) => page.icon && (!page.role || may(me, page.role))).map((page) => ({ label: page.title, hint: page.key ? `Shift+${page.key}` : '', icon: page.icon ?? ('right' as const), to: page.path })),
    ...(plants.data?.facilities ?? []).map((plant) => ({ label: plant.name, hint: 'Facility', icon: 'facilities' as const, to: `/facilities/${plant.id}` })),
  ].filter((one) => one.label.toLowerCase().includes(asked));
  if (asked) all.push({ label: `Alerts with “${text.trim()}”`, hint: 'Search', icon: 'search', to: '/alerts', search: { search: text.trim() } });
  const chosen = Math.min(at, all.length - 1);
  const go = (one: Choice | undefined) => {
    if (!one) return;
    onClose();
    void navigate({ to: one.to, search: (one.search ?? {}) as never });
  };
  return (
    <dialog ref={ref} className="palette" aria-label="Go to" onCancel={onClose} onClick={(event) => event.target === ref.current && onClose()}>
      <input
        className="input"
        placeholder="Go to a page or a plant, or search alerts"
        aria-label="Go to a page or a plant, or search alerts"
        role="combobox"
        aria-expanded="true"
        aria-controls={id}
        aria-activedescendant={chosen >= 0 ? `${id}-${chosen}` : undefined}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') setAt(Math.min(chosen + 1, all.length - 1));
          else if (event.key === 'ArrowUp') setAt(Math.max(chosen - 1, 0));
          else if (event.key === 'Enter') go(all[chosen]);
          else return;
          event.preventDefault();
        }}
      />
      <ul id={id} role="listbox" aria-label="Where to">
        {all.map((one, nth) => (
          <li key={one.to + one.label} id={`${id}-${nth}`} role="option" aria-selected={nth === chosen} className="menu-item" onClick={() => go(one)}>
            <Icon name={one.icon} />
            <span className="cut">{one.label}</span>
            <small>{one.hint}</small>
          </li>
        ))}
      </ul>
    </dialog>
  );
}
