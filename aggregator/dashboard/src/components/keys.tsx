// Keys: one register, which is also what `?` shows. Never while somebody types, or with a dialog open over it.
import { useEffect, useRef, useState } from 'react';
import { usePrefs } from '../lib/prefs';
import { Dialog } from './dialog';

export interface Key {
  key: string;
  label: string;
  run: () => void;
}

interface Scope {
  name: string;
  keys: Key[];
}

const scopes = new Map<number, Scope>();
let next = 1;

export function useKeys(name: string, keys: Key[]): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const id = next++;
    scopes.set(id, {
      name,
      get keys() {
        return latest.current;
      },
    });
    return () => void scopes.delete(id);
  }, [name]);
}

function isTyping(event: KeyboardEvent): boolean {
  const at = event.target as HTMLElement | null;
  if (event.isComposing || at?.isContentEditable) return true;
  return at instanceof HTMLInputElement ? !['checkbox', 'radio', 'button'].includes(at.type) : at instanceof HTMLTextAreaElement || at instanceof HTMLSelectElement;
}

/** As keys are written: `Shift+O`, `j`, `?`, `Ctrl+K`. */
function written(event: KeyboardEvent): string {
  const { key } = event;
  if (event.ctrlKey || event.metaKey) return `Ctrl+${key.toUpperCase()}`;
  if (event.shiftKey && /^[A-Z]$/.test(key)) return `Shift+${key}`;
  return key === ' ' ? 'Space' : key;
}

export function Keys() {
  const [isOpen, setOpen] = useState(false);
  const { keys: isOn } = usePrefs();
  useKeys('Everywhere', [{ key: '?', label: 'Show these keys', run: () => setOpen(true) }]);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const key = written(event);
      const isCombined = key.startsWith('Ctrl+');
      if (event.altKey || isTyping(event) || (!isOn && !isCombined && key !== '?' && key !== 'Escape')) return;
      if (document.querySelector('dialog[open]')) return;
      if ((key === 'Enter' || key === 'Space') && (event.target as HTMLElement).closest('button, a, input, [role=button]')) return;
      for (const scope of [...scopes.values()].reverse()) {
        const found = scope.keys.find((one) => one.key === key);
        if (found) {
          event.preventDefault();
          found.run();
          return;
        }
      }
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, [isOn]);
  if (!isOpen) return null;
  return (
    <Dialog title="Keys" onClose={() => setOpen(false)}>
      {[...scopes.values()].map((scope, nth) => (
        <section key={nth}>
          <h3>{scope.name}</h3>
          <table className="plain">
            <tbody>
              {scope.keys.map((one) => (
                <tr key={one.key}>
                  <td>{one.label}</td>
                  <td className="right">
                    <kbd>{one.key}</kbd>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ))}
      {!isOn && <p className="dim small">Single keys are switched off in Settings.</p>}
    </Dialog>
  );
}
