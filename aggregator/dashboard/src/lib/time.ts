// One place writes times: UTC or the browser's zone, and how long ago by the aggregator's clock.

export type Zone = 'utc' | 'local';

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = zone + JSON.stringify(options);
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat('en-GB', { ...options, timeZone: zone === 'local' ? undefined : zone, hourCycle: 'h23' });
    formats.set(key, found);
  }
  return found;
}

export const named = (zone: Zone): string => (zone === 'utc' ? 'UTC' : 'local');

/** How a zone is called: `UTC`, `GMT+1`, `CET`. */
export function abbreviation(zone: Zone, at: number): string {
  if (zone === 'utc') return 'UTC';
  const parts = format('local', { timeZoneName: 'short' }).formatToParts(at);
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? 'local';
}

export function parse(text: string | null | undefined): number {
  return text ? Date.parse(text) : NaN;
}

const zoneOf = (zone: Zone) => (zone === 'utc' ? 'UTC' : 'local');

export function clockTime(at: number, zone: Zone): string {
  return format(zoneOf(zone), { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(at);
}

export function hourMinute(at: number, zone: Zone): string {
  return format(zoneOf(zone), { hour: '2-digit', minute: '2-digit' }).format(at);
}

export function day(at: number, zone: Zone): string {
  return format(zoneOf(zone), { day: '2-digit', month: 'short' }).format(at);
}

export function full(at: number, zone: Zone): string {
  const date = format(zoneOf(zone), { year: 'numeric', month: '2-digit', day: '2-digit' }).formatToParts(at);
  const part = (type: string) => date.find((one) => one.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')} ${clockTime(at, zone)} ${abbreviation(zone, at)}`;
}

/** The time of day when it is today, else the day as well. */
export function brief(at: number, zone: Zone, now: number): string {
  if (Number.isNaN(at)) return '–';
  return day(at, zone) === day(now, zone) ? clockTime(at, zone) : `${day(at, zone)} ${hourMinute(at, zone)}`;
}

export function ago(at: number, now: number): string {
  if (Number.isNaN(at)) return 'never';
  const seconds = Math.round((now - at) / 1000);
  if (seconds < 0) return seconds > -5 ? 'now' : `in ${duration(-seconds)}`;
  if (seconds < 3) return 'now';
  return `${duration(seconds)} ago`;
}

/** Two units at most: `8 s`, `4 min`, `3 h 20 min`, `5 d`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  const whole = Math.round(seconds);
  if (whole < 60) return seconds > 0 && seconds < 10 ? `${Number(seconds.toFixed(1))} s` : `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return days < 10 && hours % 24 ? `${days} d ${hours % 24} h` : `${days} d`;
}

/** `24h` in milliseconds; NaN when it is none. */
export function rangeMs(range: string): number {
  const found = /^(\d{1,9})([smhd])$/.exec(range);
  if (!found) return NaN;
  return Number(found[1]) * { s: 1e3, m: 6e4, h: 36e5, d: 864e5 }[found[2] as 's' | 'm' | 'h' | 'd'];
}

/** As the API wants it. */
export function iso(at: number): string {
  return new Date(at).toISOString();
}
