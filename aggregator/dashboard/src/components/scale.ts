// Scales of charts: from values to places, and where the ticks are.

export function linear(from: [number, number], to: [number, number]): (value: number) => number {
  const span = from[1] - from[0] || 1;
  return (value) => to[0] + ((value - from[0]) / span) * (to[1] - to[0]);
}

/** A top that reads well: 1, 2, 2.5, 5 times a power of ten. */
export function niceTop(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10].find((one) => one * power >= value) ?? 10;
  return step * power;
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800];

/** Round moments between two, `most` at most; days begin at midnight of the zone. */
export function timeTicks(from: number, to: number, most: number, offsetMinutes = 0): number[] {
  const seconds = (to - from) / 1000;
  const step = (STEPS.find((one) => seconds / one <= most) ?? Math.ceil(seconds / most / 604_800) * 604_800) * 1000;
  const shift = offsetMinutes * 60_000;
  const ticks = [];
  for (let at = Math.ceil((from + shift) / step) * step - shift; at <= to; at += step) ticks.push(at);
  return ticks;
}

/** A line through points; null breaks it. */
export function path(points: readonly (readonly [number, number | null])[], x: (value: number) => number, y: (value: number) => number): string {
  let text = '';
  let isOn = false;
  for (const [at, value] of points) {
    if (value === null || Number.isNaN(value)) {
      isOn = false;
      continue;
    }
    text += `${isOn ? 'L' : 'M'}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    isOn = true;
  }
  return text;
}
