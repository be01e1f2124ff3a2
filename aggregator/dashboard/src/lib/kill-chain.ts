// ATT&CK for ICS: its tactics in order, and incidents made of alerts that belong together.
import type { Schemas } from '../api/client';
import { SEVERITIES, type Severity } from '../components/marks';

type Alert = Schemas['Alert'];

export const TACTICS = [
  ['initial-access', 'Initial access'],
  ['execution', 'Execution'],
  ['persistence', 'Persistence'],
  ['privilege-escalation', 'Privilege escalation'],
  ['evasion', 'Evasion'],
  ['discovery', 'Discovery'],
  ['lateral-movement', 'Lateral movement'],
  ['collection', 'Collection'],
  ['command-and-control', 'Command and control'],
  ['inhibit-response-function', 'Inhibit response function'],
  ['impair-process-control', 'Impair process control'],
  ['impact', 'Impact'],
] as const;

export type Tactic = (typeof TACTICS)[number][0];

export function tacticOf(text: string | null | undefined): Tactic | null {
  const key = (text ?? '').toLowerCase().trim().replaceAll(/[\s_]+/g, '-');
  return TACTICS.find(([id]) => id === key)?.[0] ?? null;
}

export interface Incident {
  /** That of its first alert: it stays the same as more come in. */
  id: string;
  facility: string;
  source: string;
  first: number;
  last: number;
  worst: Severity;
  alerts: Alert[];
  targets: string[];
  tactics: Map<Tactic, Alert[]>;
}

/** Alerts of one plant with one source, none further than `gapMs` from the next. */
export function incidents(alerts: readonly Alert[], gapMs: number): Incident[] {
  const open = new Map<string, Incident>();
  const all: Incident[] = [];
  const inOrder = [...alerts].sort((a, b) => a.first_seen.localeCompare(b.first_seen) || a.id.localeCompare(b.id));
  for (const alert of inOrder) {
    const source = alert.src_assets[0] ?? alert.dst_assets[0] ?? 'unknown';
    const key = `${alert.facility_id}\n${source}`;
    const at = Date.parse(alert.first_seen);
    let incident = open.get(key);
    if (!incident || at - incident.last > gapMs) {
      incident = { id: alert.id, facility: alert.facility_id, source, first: at, last: at, worst: alert.severity, alerts: [], targets: [], tactics: new Map() };
      open.set(key, incident);
      all.push(incident);
    }
    incident.alerts.push(alert);
    incident.last = Math.max(incident.last, Date.parse(alert.last_seen));
    if (SEVERITIES.indexOf(alert.severity) < SEVERITIES.indexOf(incident.worst)) incident.worst = alert.severity;
    for (const target of alert.dst_assets) if (!incident.targets.includes(target)) incident.targets.push(target);
    const tactic = tacticOf(alert.tactic);
    if (tactic) incident.tactics.set(tactic, [...(incident.tactics.get(tactic) ?? []), alert]);
  }
  const weight = (one: Incident) => SEVERITIES.indexOf(one.worst);
  return all.sort((a, b) => weight(a) - weight(b) || b.tactics.size - a.tactics.size || b.last - a.last);
}
