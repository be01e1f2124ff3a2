// What somebody chose for this browser: theme, zone, density, saved views. Nothing secret.
import { useSyncExternalStore } from 'react';
import type { Zone } from './time';

export interface View {
  name: string;
  search: string;
}

export interface Prefs {
  theme: 'auto' | 'light' | 'dark';
  zone: Zone;
  dense: boolean;
  keys: boolean;
  sound: boolean;
  narrow: boolean;
  views: View[];
}

const KEY = 'fieldward';
const usual: Prefs = { theme: 'auto', zone: 'local', dense: false, keys: true, sound: false, narrow: false, views: [] };

function isView(one: unknown): one is View {
  const view = one as Partial<View> | null;
  return typeof view?.name === 'string' && typeof view.search === 'string';
}

/** What is stored may be of another release, or of nobody. */
export function readPrefs(text: string | null): Prefs {
  try {
    const stored = JSON.parse(text ?? '{}') as Partial<Prefs>;
    return {
      theme: stored.theme === 'light' || stored.theme === 'dark' ? stored.theme : 'auto',
      zone: stored.zone === 'utc' ? 'utc' : 'local',
      dense: stored.dense === true,
      keys: stored.keys !== false,
      sound: stored.sound === true,
      narrow: stored.narrow === true,
      views: Array.isArray(stored.views) ? stored.views.filter(isView).slice(0, 50) : [],
    };
  } catch {
    return usual;
  }
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

let prefs: Prefs = typeof localStorage === 'undefined' ? usual : readPrefs(stored());
const listeners = new Set<() => void>();

function apply(): void {
  const root = document.documentElement;
  if (prefs.theme === 'auto') delete root.dataset['theme'];
  else root.dataset['theme'] = prefs.theme;
  root.dataset['dense'] = String(prefs.dense);
}

export function setPrefs(change: Partial<Prefs>): void {
  prefs = { ...prefs, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(prefs));
  } catch {
    // It holds for this visit.
  }
  apply();
  for (const one of listeners) one();
}

export function startPrefs(): void {
  apply();
  addEventListener('storage', (event) => {
    if (event.key !== KEY) return;
    prefs = readPrefs(event.newValue);
    apply();
    for (const one of listeners) one();
  });
}

export function usePrefs(): Prefs {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    () => prefs,
  );
}
