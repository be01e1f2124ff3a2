// Who talks to whom, as alerts tell: an edge is drawn only where one was seen. Places are reckoned, not simulated, so
// the picture is the same each time.
import type { Schemas } from '../api/client';
import { SEVERITIES, type Severity } from '../components/marks';

export interface Node {
  id: string;
  /** Of how many alerts it is part. */
  alerts: number;
  asks: boolean;
  answers: boolean;
  worst: Severity;
  last: string;
  protocols: Set<string>;
}

export interface Edge {
  from: string;
  to: string;
  count: number;
  worst: Severity;
  first: string;
  protocols: Set<string>;
}

const rank = (one: Severity) => SEVERITIES.indexOf(one);
const worse = (a: Severity, b: Severity): Severity => (rank(a) <= rank(b) ? a : b);

export function talk(alerts: readonly Schemas['Alert'][]): { nodes: Node[]; edges: Edge[] } {
  const nodes = new Map<string, Node>();
  const edges = new Map<string, Edge>();
  const note = (id: string, alert: Schemas['Alert'], asks: boolean) => {
    const node = nodes.get(id) ?? { id, alerts: 0, asks: false, answers: false, worst: 'low' as const, last: '', protocols: new Set<string>() };
    node.alerts++;
    node.asks ||= asks;
    node.answers ||= !asks;
    node.worst = worse(node.worst, alert.severity);
    if (alert.last_seen > node.last) node.last = alert.last_seen;
    node.protocols.add(alert.protocol);
    nodes.set(id, node);
  };
  for (const alert of alerts) {
    for (const from of alert.src_assets) note(from, alert, true);
    for (const to of alert.dst_assets) note(to, alert, false);
    for (const from of alert.src_assets) {
      for (const to of alert.dst_assets) {
        const key = `${from}\n${to}`;
        const edge = edges.get(key) ?? { from, to, count: 0, worst: 'low' as const, first: alert.first_seen, protocols: new Set<string>() };
        edge.count += alert.count;
        edge.worst = worse(edge.worst, alert.severity);
        if (alert.first_seen < edge.first) edge.first = alert.first_seen;
        edge.protocols.add(alert.protocol);
        edges.set(key, edge);
      }
    }
  }
  const byWeight = (a: Node, b: Node) => b.alerts - a.alerts || compareAddresses(a.id, b.id);
  return { nodes: [...nodes.values()].sort(byWeight), edges: [...edges.values()].sort((a, b) => b.count - a.count) };
}

/** By their numbers: 10.0.0.9 before 10.0.0.10. */
export function compareAddresses(a: string, b: string): number {
  const [left, right] = [a.split('.'), b.split('.')];
  for (let nth = 0; nth < 4; nth++) {
    const by = Number(left[nth]) - Number(right[nth]);
    if (by) return by;
  }
  return a.localeCompare(b);
}

/** The network that an address is drawn in. */
export function zoneOf(address: string): string {
  const parts = address.split('.');
  return parts.length === 4 ? `${parts.slice(0, 3).join('.')}.0/24` : 'other';
}
