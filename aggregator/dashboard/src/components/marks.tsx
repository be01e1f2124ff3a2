// Severity, status, times: a shape and a word each, the colour comes last.
import { useEffect, useState, useSyncExternalStore } from 'react';
import { now, onClock } from '../lib/clock';
import { usePrefs } from '../lib/prefs';
import { ago, brief, full, parse } from '../lib/time';

export type Severity = 'critical' | 'high' | 'medium' | 'low';
export type Status = 'new' | 'acknowledged' | 'resolved' | 'false-positive';
export const SEVERITIES: readonly Severity[] = ['critical', 'high', 'medium', 'low'];
export const STATUSES: readonly Status[] = ['new', 'acknowledged', 'resolved', 'false-positive'];

export const SEVERITY_SHAPE: Record<Severity, string> = {
  critical: 'M5 0h6l5 5v6l-5 5H5l-5-5V5zM7 3.5h2v6H7zM7 11h2v2H7z',
  high: 'M8 .6 16 15H0z',
  medium: 'M8 0l8 8-8 8-8-8z',
  low: 'M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 0 0 8 1.2zm0 2.2a4.6 4.6 0 1 1 0 9.2 4.6 4.6 0 0 1 0-9.2z',
};

export function SeverityMark({ of, wordless = false }: { of: Severity; wordless?: boolean }) {
  const word = of.charAt(0).toUpperCase() + of.slice(1);
  return (
    <span className={`severity is-${of}`}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={SEVERITY_SHAPE[of]} fillRule="evenodd" />
      </svg>
      {wordless ? <span className="hidden">{word}</span> : word}
    </span>
  );
}

const STATUS: Record<Status, [string, string]> = {
  new: ['New', 'on'],
  acknowledged: ['Acknowledged', 'half'],
  resolved: ['Resolved', 'dim'],
  'false-positive': ['False positive', 'square dim'],
};

export const statusWord = (of: Status): string => STATUS[of][0];

export function StatusMark({ of }: { of: Status }) {
  const [word, shape] = STATUS[of];
  return <span className={`status ${shape}`}>{word}</span>;
}

const PRESENCE: Record<string, string> = { online: 'on is-good', connected: 'on is-good', active: 'on is-good', late: 'half is-medium', delayed: 'half is-medium', offline: 'square is-critical' };

/** How a plant, an agent or a client stands. */
export function Presence({ of }: { of: string }) {
  return <span className={`status ${PRESENCE[of] ?? 'dim'}`}>{of.charAt(0).toUpperCase() + of.slice(1)}</span>;
}

let tick = 0;
const ticking = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function onTick(listener: () => void): () => void {
  ticking.add(listener);
  timer ??= setInterval(() => {
    tick++;
    for (const one of ticking) one();
  }, 1000);
  const stop = onClock(listener);
  return () => {
    stop();
    ticking.delete(listener);
    if (ticking.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** Now, each second, by the aggregator's clock. */
export function useNow(): number {
  useSyncExternalStore(onTick, () => tick);
  return now();
}

/** A moment: the time of day or the date; hovering shows all of it in both zones. */
export function Moment({ at, long = false }: { at: string | null | undefined; long?: boolean }) {
  const { zone } = usePrefs();
  const value = parse(at);
  if (Number.isNaN(value)) return <span className="dim">–</span>;
  // Written when somebody hovers: a list writes very many times.
  const both = () => `${full(value, zone)}\n${full(value, zone === 'utc' ? 'local' : 'utc')}`;
  return (
    <time className="num nowrap" dateTime={at ?? ''} onPointerEnter={(event) => (event.currentTarget.title = both())}>
      {long ? full(value, zone) : brief(value, zone, now())}
    </time>
  );
}

export function Ago({ at }: { at: string | null | undefined }) {
  const value = parse(at);
  const at_ = useNow();
  const { zone } = usePrefs();
  if (Number.isNaN(value)) return <span className="dim">never</span>;
  return (
    <time className="num nowrap" dateTime={at ?? ''} title={full(value, zone)}>
      {ago(value, at_)}
    </time>
  );
}

/** A value once it has rested for a while. */
export function useRested<T>(value: T, ms: number): T {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return rested;
}
