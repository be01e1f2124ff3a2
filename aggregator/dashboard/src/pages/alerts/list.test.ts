import { describe, expect, it } from 'vitest';
import type { Schemas } from '../../api/client';
import { askedOf, frozen, passes } from './filter';
import { AlertList } from './list';

const NOW = Date.parse('2026-11-22T08:00:00Z');
const alert = (nth: number, over: Partial<Schemas['Alert']> = {}): Schemas['Alert'] => ({
  id: `a${nth}`, timestamp: new Date(NOW - 1000 * (1000 - nth)).toISOString(), facility_id: 'north', severity: 'high', status: 'new',
  title: `alert ${nth}`, description: 'words', attack_type: 'T0846', attack_name: 'x', correlation_confidence: 1, correlation_summary: '',
  sources: [], context_analysis: null, first_seen: '', last_seen: '', count: 1, src_assets: ['10.0.0.1'], dst_assets: ['10.0.0.2', '10.0.0.3'],
  protocol: 'modbus', tactic: null, candidates: [], maintenance: null, revision: 1, received_at: '', ...over,
});
const told = (one: Schemas['Alert'], seq = 1) => ({ channel: 'alerts' as const, type: 'new', seq, ts: '', data: one });
const page = (alerts: Schemas['Alert'][], next: string | null = null) =>
  ({ alerts, next_cursor: next, total: 500, total_relation: 'exact', page: 1, pages: 1, limit: 100, as_of: '', searched: null }) as Schemas['AlertPage'];
const open = async (asked = {}, pages = [page([alert(3), alert(2), alert(1)])]) => {
  const list = new AlertList(asked, () => Promise.resolve(pages.shift() ?? page([])), () => NOW);
  await list.load();
  return list;
};
const ids = (list: AlertList) => list.state().rows.map((row) => row.id);

describe('the queue', () => {
  it('puts new alerts on top when nobody reads below, in order', async () => {
    const list = await open();
    list.apply([told(alert(5)), told(alert(6)), told(alert(4))], true);
    expect(ids(list)).toEqual(['a6', 'a5', 'a4', 'a3', 'a2', 'a1']);
  });

  it('lets new ones wait while something is read, once each', async () => {
    const list = await open();
    list.apply([told(alert(5)), told(alert(5, { revision: 2 })), told(alert(4))], false);
    expect(list.state().waiting).toBe(2);
    expect(ids(list)).toEqual(['a3', 'a2', 'a1']);
    list.admit();
    expect(ids(list)).toEqual(['a5', 'a4', 'a3', 'a2', 'a1']);
  });

  it('changes rows in their places, and never back to an older state', async () => {
    const list = await open();
    list.apply([told(alert(2, { status: 'acknowledged', revision: 3 })), told(alert(2, { revision: 2 }))], true);
    expect(list.state().rows[1]).toMatchObject({ id: 'a2', status: 'acknowledged', revision: 3 });
  });

  it('holds no more new ones than it may, and says that it is behind', async () => {
    const list = await open();
    list.apply(Array.from({ length: 10_000 }, (_, nth) => told(alert(nth + 10))), false);
    expect(list.state()).toMatchObject({ waiting: 5000, isBehind: true });
  });

  it('goes on by cursor, and shows nothing twice', async () => {
    const list = await open({}, [page([alert(9), alert(8)], 'c'), page([alert(8), alert(7)])]);
    expect(list.state().hasMore).toBe(true);
    await list.more();
    expect(ids(list)).toEqual(['a9', 'a8', 'a7']);
    expect(list.state().hasMore).toBe(false);
  });

  it('takes back what was foreseen and did not come', async () => {
    const list = await open();
    const back = list.foresee(new Set(['a2']), 'resolved');
    expect(list.state().rows[1]?.status).toBe('resolved');
    back();
    expect(list.state().rows[1]?.status).toBe('new');
  });
});

describe('the filter', () => {
  it('is what the address says', () => {
    expect(askedOf({})).toEqual({ status: 'new,acknowledged' });
    expect(askedOf({ tab: 'all', severity: 'gte:high', range: '24h' })).toEqual({ severity: 'gte:high', range: '24h' });
    expect(askedOf({ tab: 'all', range: '24h', since: 'x' })).toEqual({ since: 'x' });
  });

  it('decides as the aggregator does', () => {
    const yes = (asked: object) => passes(asked, alert(1), NOW);
    expect([{}, { severity: 'gte:high' }, { facility: 'south,north' }, { search: '10.0.0.3' }, { range: '1h' }, { technique: 'T0846' }].map(yes)).not.toContain(false);
    expect([{ severity: 'low,medium' }, { facility: 'south' }, { status: 'resolved' }, { search: 'zz' }, { range: '5m' }, { technique: 'T0801' }].map(yes)).not.toContain(true);
  });

  it('freezes a time before now for a link', () => {
    expect(frozen({ range: '1h', severity: 'high' }, NOW)).toEqual({ severity: 'high', since: '2026-11-22T07:00:00.000Z', until: '2026-11-22T08:00:00.000Z' });
  });
});
