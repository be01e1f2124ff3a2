// Short words about what was done. They stay while somebody points at them, and are read out.
import { type ReactNode, useSyncExternalStore } from 'react';
import { Problem } from '../api/problem';
import { Icon } from './icons';

interface Toast {
  id: number;
  text: ReactNode;
  isBad: boolean;
  action?: { label: string; run: () => void };
}

let toasts: Toast[] = [];
let next = 1;
const listeners = new Set<() => void>();

function become(changed: Toast[]): void {
  toasts = changed.slice(-4);
  for (const one of listeners) one();
}

export function say(text: ReactNode, options: { isBad?: boolean; action?: Toast['action']; ms?: number } = {}): () => void {
  const id = next++;
  become([...toasts, { id, text, isBad: options.isBad ?? false, action: options.action }]);
  const drop = () => become(toasts.filter((one) => one.id !== id));
  setTimeout(drop, options.ms ?? (options.isBad ? 12_000 : 6_000));
  return drop;
}

export function sayProblem(error: unknown): void {
  say(Problem.from(error).said, { isBad: true });
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map((one) => (
        <div key={one.id} className={`toast ${one.isBad ? 'bad' : ''}`}>
          <div>{one.text}</div>
          {one.action && (
            <button
              className="button tiny"
              onClick={() => {
                one.action?.run();
                become(toasts.filter((other) => other.id !== one.id));
              }}
            >
              {one.action.label}
            </button>
          )}
          <button className="button plain tiny icon-button" aria-label="Put away" onClick={() => become(toasts.filter((other) => other.id !== one.id))}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
