import { describe, expect, it } from 'vitest';
import type { Schemas } from '../api/client';
import { incidents, tacticOf } from './kill-chain';
import { talk, zoneOf } from './talk';

const at = (minute: number) => new Date(Date.parse('2026-11-22T08:00:00Z') + minute * 6e4).toISOString();
const alert = (id: string, minute: number, over: Partial<Schemas['Alert']> = {}) =>
  ({ id, facility_id: 'north', severity: 'low', src_assets: ['10.0.0.9'], dst_assets: ['10.0.0.1'], first_seen: at(minute), last_seen: at(minute), tactic: 'discovery', protocol: 'modbus', count: 1, ...over }) as Schemas['Alert'];

describe('incidents', () => {
  it('join what one source does, until it has been calm for long', () => {
    const found = incidents([alert('c', 200), alert('b', 20, { severity: 'critical', tactic: 'impair-process-control' }), alert('a', 0)], 36e5);
    expect(found.map((one) => one.alerts.map((alert) => alert.id))).toEqual([['a', 'b'], ['c']]);
    expect(found[0]).toMatchObject({ id: 'a', worst: 'critical' });
    expect([...found[0]!.tactics.keys()]).toEqual(['discovery', 'impair-process-control']);
  });

  it('keep plants and sources apart', () => {
    expect(incidents([alert('a', 0), alert('b', 1, { facility_id: 'south' }), alert('c', 2, { src_assets: ['10.0.0.8'] })], 36e5)).toHaveLength(3);
  });

  it('know tactics however they are written', () => {
    expect(tacticOf('Impair Process Control')).toBe('impair-process-control');
    expect(tacticOf('nonsense')).toBeNull();
  });
});

describe('the map', () => {
  it('draws what was seen, and nothing else', () => {
    const { nodes, edges } = talk([alert('a', 0), alert('b', 1, { dst_assets: ['10.0.1.2'], severity: 'high' })]);
    expect(nodes.map((one) => one.id).sort()).toEqual(['10.0.0.1', '10.0.0.9', '10.0.1.2']);
    expect(edges).toHaveLength(2);
    expect(nodes.find((one) => one.id === '10.0.0.9')).toMatchObject({ asks: true, answers: false, worst: 'high', alerts: 2 });
    expect([zoneOf('10.0.1.2'), zoneOf('fe80::1')]).toEqual(['10.0.1.0/24', 'other']);
  });
});
