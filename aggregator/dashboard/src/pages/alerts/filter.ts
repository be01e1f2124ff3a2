// The filter of the queue: what the address says, what is asked, and whether an alert that is told of passes.
import type { Schemas } from '../../api/client';
import type { Search } from '../../lib/search';
import { listed } from '../../lib/search';
import { iso, rangeMs } from '../../lib/time';
import { SEVERITIES, type Severity, type Status } from '../../components/marks';

type Alert = Schemas['Alert'];

/** What the API is asked. */
export interface Asked {
  severity?: string;
  facility?: string;
  status?: string;
  technique?: string;
  search?: string;
  range?: string;
  since?: string;
  until?: string;
}

export const TABS = [
  { id: '', title: 'Open', status: 'new,acknowledged' },
  { id: 'closed', title: 'Closed', status: 'resolved,false-positive' },
  { id: 'all', title: 'All', status: '' },
] as const;

export const FIELDS = ['severity', 'facility', 'status', 'technique', 'search', 'range', 'since', 'until'] as const;

export function askedOf(search: Search): Asked {
  const tab = TABS.find((one) => one.id === (search['tab'] ?? '')) ?? TABS[0];
  const status = search['status'] || tab.status;
  const asked: Asked = {};
  for (const field of FIELDS) {
    const value = field === 'status' ? status : search[field];
    if (value) asked[field] = value;
  }
  // A range and a beginning together are refused: the absolute one was frozen from the other.
  if (asked.since || asked.until) delete asked.range;
  return asked;
}

export const isNarrowed = (search: Search): boolean => FIELDS.some((field) => search[field]);

export function severitiesOf(text: string | undefined): readonly Severity[] {
  if (!text) return SEVERITIES;
  if (text.startsWith('gte:')) return SEVERITIES.slice(0, SEVERITIES.indexOf(text.slice(4) as Severity) + 1);
  return listed(text) as Severity[];
}

/** As the aggregator would decide. A search looks into the same fields. */
export function passes(asked: Asked, alert: Alert, now: number): boolean {
  const at = Date.parse(alert.timestamp);
  if (!severitiesOf(asked.severity).includes(alert.severity)) return false;
  if (asked.facility && !listed(asked.facility).includes(alert.facility_id)) return false;
  if (asked.status && !(listed(asked.status) as Status[]).includes(alert.status)) return false;
  if (asked.technique && !listed(asked.technique).includes(alert.attack_type ?? '')) return false;
  if (asked.range && at < now - rangeMs(asked.range)) return false;
  if (asked.since && at < Date.parse(asked.since)) return false;
  if (asked.until && at >= Date.parse(asked.until)) return false;
  if (asked.search) {
    const words = asked.search.toLowerCase();
    const { title, description, attack_type, attack_name, protocol, src_assets, dst_assets } = alert;
    const text = [title, description, attack_type, attack_name, protocol, ...src_assets, ...dst_assets].join('\n').toLowerCase();
    if (!text.includes(words)) return false;
  }
  return true;
}

/** A link that shows the same tomorrow: the time before now becomes two moments. */
export function frozen(search: Search, now: number): Search {
  const span = rangeMs(search['range'] ?? '');
  const { range: _, ...rest } = search;
  return Number.isNaN(span) ? search : { ...rest, since: iso(now - span), until: iso(now) };
}
