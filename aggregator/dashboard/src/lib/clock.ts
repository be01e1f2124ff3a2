// The aggregator's clock. Whoever looks may have a computer whose clock is wrong: ages and time-outs are reckoned
// by what the aggregator says in its answers, carried on by a clock that cannot be set.

let ahead = 0;
let known = false;
let bestTrip = Infinity;
const listeners = new Set<() => void>();

/** What an answer said (its `date` header), and how long it was on its way. */
export function heardDate(date: string | null, tripMs: number): void {
  const server = date === null ? NaN : Date.parse(date);
  if (Number.isNaN(server) || tripMs > Math.max(bestTrip * 2, 1000)) return;
  bestTrip = Math.min(bestTrip, tripMs);
  // The header has whole seconds: the middle of that second is the best guess.
  const next = server + 500 + tripMs / 2 - mark();
  if (known && Math.abs(next - ahead) < 1500) return;
  ahead = next;
  known = true;
  for (const one of listeners) one();
}

function mark(): number {
  return performance.timeOrigin + performance.now();
}

/** Now, by the aggregator's clock, in milliseconds. */
export function now(): number {
  return mark() + ahead;
}

/** How far this computer's clock is ahead of the aggregator's, in milliseconds. */
export function clockError(): number {
  return known ? Date.now() - now() : 0;
}

export function onClock(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
