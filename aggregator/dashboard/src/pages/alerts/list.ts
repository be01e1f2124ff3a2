// The rows of the queue: pages by cursor as somebody scrolls, and what happens meanwhile. New alerts are put on top
// when he is there and nothing is chosen, else they wait; what is being read does not move.
import { api, must, type Schemas } from '../../api/client';
import { Problem } from '../../api/problem';
import type { Event } from '../../live/feed';
import { now } from '../../lib/clock';
import type { Severity, Status } from '../../components/marks';
import { type Asked, passes } from './filter';

type Alert = Schemas['Alert'];

/** What a row shows: a hundred thousand of them are held. */
export interface Row {
  id: string;
  at: string;
  facility: string;
  severity: Severity;
  status: Status;
  title: string;
  technique: string | null;
  name: string | null;
  count: number;
  src: string;
  dst: string;
  more: number;
  revision: number;
}

export interface Shown {
  rows: readonly Row[];
  phase: 'loading' | 'ready' | 'failed';
  problem: Problem | null;
  total: number | null;
  isLeast: boolean;
  hasMore: boolean;
  isLoadingMore: boolean;
  /** That came in while something was being read. */
  waiting: number;
  /** There are more new ones than are held: the list must be read anew. */
  isBehind: boolean;
}

export function rowOf(alert: Alert): Row {
  return {
    id: alert.id,
    at: alert.timestamp,
    facility: alert.facility_id,
    severity: alert.severity,
    status: alert.status,
    title: alert.title,
    technique: alert.attack_type ?? null,
    name: alert.attack_name ?? null,
    count: alert.count,
    src: alert.src_assets[0] ?? '',
    dst: alert.dst_assets[0] ?? '',
    more: Math.max(0, alert.dst_assets.length - 1),
    revision: alert.revision,
  };
}

type Ask = (asked: Asked, cursor: string | undefined, limit: number, signal: AbortSignal) => Promise<Schemas['AlertPage']>;

const byApi: Ask = (asked, cursor, limit, signal) => must(api.GET('/api/alerts', { params: { query: { ...asked, cursor, limit } }, signal }));

export class AlertList {
  private shown: Shown = { rows: [], phase: 'loading', problem: null, total: null, isLeast: false, hasMore: false, isLoadingMore: false, waiting: 0, isBehind: false };
  private index = new Map<string, number>();
  private waiting = new Map<string, Row>();
  private cursor: string | undefined;
  private abort = new AbortController();
  private listeners = new Set<() => void>();

  constructor(
    readonly asked: Asked,
    private readonly ask: Ask = byApi,
    private readonly clock: () => number = now,
  ) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };
  readonly state = (): Shown => this.shown;

  stop(): void {
    this.abort.abort();
  }

  private become(change: Partial<Shown>): void {
    this.shown = { ...this.shown, ...change };
    for (const one of this.listeners) one();
  }

  private put(rows: readonly Row[], change: Partial<Shown> = {}): void {
    this.index = new Map(rows.map((row, nth) => [row.id, nth]));
    this.become({ ...change, rows });
  }

  /** Reads the first page, anew. What is shown stays until there is better. */
  async load(): Promise<void> {
    this.abort.abort();
    this.abort = new AbortController();
    const { signal } = this.abort;
    try {
      const page = await this.ask(this.asked, undefined, FIRST, signal);
      if (signal.aborted) return;
      this.waiting.clear();
      this.cursor = page.next_cursor ?? undefined;
      this.put(page.alerts.map(rowOf), {
        phase: 'ready',
        problem: null,
        total: page.total,
        isLeast: page.total_relation === 'at_least',
        hasMore: this.cursor !== undefined,
        isLoadingMore: false,
        waiting: 0,
        isBehind: false,
      });
    } catch (error) {
      if (!signal.aborted) this.become({ phase: this.shown.rows.length ? 'ready' : 'failed', problem: Problem.from(error), isLoadingMore: false });
    }
  }

  async more(): Promise<void> {
    if (!this.cursor || this.shown.isLoadingMore || this.shown.rows.length >= MOST) return;
    const { signal } = this.abort;
    this.become({ isLoadingMore: true });
    try {
      const page = await this.ask(this.asked, this.cursor, NEXT, signal);
      if (signal.aborted) return;
      this.cursor = page.next_cursor ?? undefined;
      const fresh = page.alerts.map(rowOf).filter((row) => !this.index.has(row.id));
      const from = this.shown.rows.length;
      fresh.forEach((row, nth) => this.index.set(row.id, from + nth));
      this.become({ rows: this.shown.rows.concat(fresh), hasMore: this.cursor !== undefined, isLoadingMore: false, problem: null });
    } catch (error) {
      if (!signal.aborted) this.become({ isLoadingMore: false, problem: Problem.from(error) });
    }
  }

  /** What was told: changes in their places; new ones on top, or among those that wait. */
  apply(events: readonly Event[], isAtTop: boolean): Row[] {
    if (this.shown.phase !== 'ready') return [];
    let rows: Row[] | null = null;
    const fresh = new Map<string, Row>();
    let isBehind = this.shown.isBehind;
    for (const event of events) {
      if (event.channel !== 'alerts') continue;
      const alert = event.data as Alert;
      const row = rowOf(alert);
      const at = this.index.get(row.id);
      if (at !== undefined) {
        const known = (rows ?? this.shown.rows)[at];
        if (known && known.revision < row.revision) {
          rows ??= this.shown.rows.slice();
          rows[at] = row;
        }
      } else if (passes(this.asked, alert, this.clock())) {
        if (isAtTop) fresh.set(row.id, row);
        else if (this.waiting.size < WAITING) this.waiting.set(row.id, row);
        else isBehind = true;
      } else {
        this.waiting.delete(row.id);
        fresh.delete(row.id);
      }
    }
    if (fresh.size > 0) {
      this.put(merged([...fresh.values()], rows ?? this.shown.rows), { total: this.added(fresh.size) });
    } else if (rows || this.waiting.size !== this.shown.waiting || isBehind !== this.shown.isBehind) {
      this.become({ rows: rows ?? this.shown.rows, waiting: this.waiting.size, isBehind });
    }
    return [...fresh.values()];
  }

  /** Those that wait come in. */
  admit(): void {
    if (this.shown.isBehind) return void this.load();
    const fresh = [...this.waiting.values()];
    this.waiting.clear();
    this.put(merged(fresh, this.shown.rows), { waiting: 0, total: this.added(fresh.length) });
  }

  /** Takes out what does not belong here any more: what somebody has just closed himself. */
  drop(ids: ReadonlySet<string>): void {
    const rows = this.shown.rows.filter((row) => !ids.has(row.id));
    this.put(rows, { total: this.added(rows.length - this.shown.rows.length) });
  }

  /** Shows a status before the aggregator has said so; gives what undoes it. */
  foresee(ids: ReadonlySet<string>, status: Status): () => void {
    const before = new Map(this.shown.rows.filter((row) => ids.has(row.id)).map((row) => [row.id, row]));
    this.become({ rows: this.shown.rows.map((row) => (ids.has(row.id) ? { ...row, status } : row)) });
    return () => this.become({ rows: this.shown.rows.map((row) => before.get(row.id) ?? row) });
  }

  /** What happened is not known: the list is to be read anew, when he who reads wants it. */
  fallBehind(): void {
    this.become({ isBehind: true });
  }

  place(id: string): number {
    return this.index.get(id) ?? -1;
  }

  private added(count: number): number | null {
    return this.shown.total === null ? null : Math.max(0, this.shown.total + count);
  }
}

/** Newest first; those that are there already are in order. */
function merged(fresh: Row[], rows: readonly Row[]): Row[] {
  const all = fresh.sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
  const newest = rows[0]?.at ?? '';
  if (all.length === 0 || all.at(-1)!.at >= newest) return [...all, ...rows];
  const out: Row[] = [];
  let nth = 0;
  for (const row of rows) {
    while (nth < all.length && all[nth]!.at > row.at) out.push(all[nth++]!);
    out.push(row);
  }
  return out.concat(all.slice(nth));
}

const FIRST = 100;
const NEXT = 500;
/** Rows that are held. */
const MOST = 200_000;
/** New ones that wait. */
const WAITING = 5_000;
