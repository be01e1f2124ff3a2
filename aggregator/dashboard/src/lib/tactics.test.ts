import { expect, test } from 'vitest';
import { type Graph, knownOf, tacticOf } from './tactics';

test('a tactic is known by its short name and by its words', () => {
  expect(tacticOf('impair-process-control')).toBe('impair-process-control');
  expect(tacticOf('Impair Process Control')).toBe('impair-process-control');
  expect(tacticOf('something new')).toBeNull();
  expect(tacticOf(null)).toBeNull();
});

test('a technique of several tactics is known by the first', () => {
  const one = { id: 'T0859', name: 'Valid Accounts', visible: 'traces' };
  const matrix = [
    { id: 'persistence', name: 'Persistence', techniques: [one] },
    { id: 'lateral-movement', name: 'Lateral Movement', techniques: [one] },
  ];
  const known = knownOf({ matrix, nodes: [], links: [], version: '18.1', as_of: '' } as Graph);
  expect(known.get('T0859')).toEqual({ name: 'Valid Accounts', tactic: 'persistence', visible: 'traces' });
  expect(knownOf(undefined).size).toBe(0);
});
