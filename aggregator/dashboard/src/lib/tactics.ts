// ATT&CK for ICS: its tactics in order, and the matrix as the aggregator has it.
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { api, must, type Schemas } from '../api/client';

export type Graph = Schemas['AttackGraphData'];

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

/** What is known of a technique without asking for it. */
export interface Known {
  name: string;
  /** The first that it serves. */
  tactic: Tactic | null;
  visible: string;
}

export function knownOf(graph: Graph | undefined): Map<string, Known> {
  const known = new Map<string, Known>();
  for (const column of graph?.matrix ?? []) {
    for (const one of column.techniques) {
      if (!known.has(one.id)) known.set(one.id, { name: one.name, tactic: tacticOf(column.id), visible: one.visible });
    }
  }
  return known;
}

/** What was seen and is expected, with the whole matrix. */
export function useGraph(facility?: string): UseQueryResult<Graph, Error> {
  return useQuery({ queryKey: ['graph', facility ?? ''], queryFn: () => must(api.GET('/api/mitre/graph', { params: { query: { facility } } })) });
}
