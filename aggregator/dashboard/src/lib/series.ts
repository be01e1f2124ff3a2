// Points in time, put together.

/** Sums over longer steps. */
export function rebinned(points: readonly (readonly [number, number])[], stepMs: number): [number, number][] {
  const sums = new Map<number, number>();
  for (const [at, value] of points) {
    const bin = Math.floor(at / stepMs) * stepMs;
    sums.set(bin, (sums.get(bin) ?? 0) + value);
  }
  return [...sums].sort((a, b) => a[0] - b[0]);
}

/** Keeps the newest of a moving window. */
export function slid<T>(values: readonly T[], next: T, most: number): T[] {
  return [...values.slice(Math.max(0, values.length - most + 1)), next];
}
