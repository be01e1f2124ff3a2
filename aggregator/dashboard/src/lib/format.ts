// Figures and words, written the same everywhere.

const whole = new Intl.NumberFormat('en-GB');

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : whole.format(Math.round(value));
}

export function short(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size < 10 && !Number.isInteger(value)) return value.toFixed(1);
  if (size < 10_000) return whole.format(Math.round(value));
  for (const [unit, at] of [['G', 1e9], ['M', 1e6], ['k', 1e3]] as const) {
    if (size >= at) return `${(value / at).toFixed(size >= at * 100 ? 0 : 1)} ${unit}`;
  }
  return whole.format(Math.round(value));
}

export function bytes(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : value < 10_000 ? `${count(value)} B` : `${short(value)}B`;
}

export function percent(share: number | null | undefined, digits = 0): string {
  return share === null || share === undefined || !Number.isFinite(share) ? '–' : `${(share * 100).toFixed(digits)} %`;
}

export function milliseconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  return value < 10 ? `${value.toFixed(1)} ms` : `${count(value)} ms`;
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** `unauthorized-command` as words. */
export function words(text: string | null | undefined): string {
  if (!text) return '–';
  const said = text.replace(/[-_]+/g, ' ');
  return said.charAt(0).toUpperCase() + said.slice(1);
}

/** `10 seconds to 8 days`, where there is little room. */
export function shortFrame(text: string): string {
  return text.replace(/ (second|minute|hour|day)s?\b/g, (_, unit: string) => ({ second: ' s', minute: ' min', hour: ' h', day: ' d' })[unit] ?? '');
}

/** Names of a list, and how many more there are. */
export function few(names: readonly string[], most = 2): string {
  if (names.length === 0) return '–';
  const rest = names.length - most;
  return names.slice(0, most).join(', ') + (rest > 0 ? ` +${rest}` : '');
}

export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((one) => one.toString(16).padStart(2, '0')).join('');
}
