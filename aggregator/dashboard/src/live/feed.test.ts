import { describe, expect, it } from 'vitest';
import { begun, type Feed, missing, step } from './feed';

const hello = (epoch: string, alerts: number) =>
  JSON.stringify({ v: 1, type: 'hello', epoch, data: { channels: { alerts, fl_status: 0, predictions: 0, system: 3 } } });
const standing = (type: string, alerts: number) =>
  JSON.stringify({ v: 1, type, epoch: 'e', data: { channels: { alerts } } });
const alert = (seq: number, id = `a${seq}`) =>
  JSON.stringify({ v: 1, channel: 'alerts', type: 'new', seq, ts: '2026-11-22T00:00:00Z', data: { id } });
const run = (feed: Feed, texts: string[]) => {
  const told: number[] = [];
  for (const text of texts) {
    const next = step(feed, text);
    told.push(...next.events.map((one) => one.seq));
    feed = next.feed;
  }
  return { feed, told };
};

describe('the feed', () => {
  it('tells each message once, whatever comes twice', () => {
    const { told } = run(begun, [hello('e', 4), alert(5), alert(6), alert(5), alert(6), alert(7)]);
    expect(told).toEqual([5, 6, 7]);
  });

  it('goes on behind what was seen after the socket was lost, and knows how much is missing', () => {
    const before = run(begun, [hello('e', 4), alert(5), alert(6)]);
    const opened = step(before.feed, hello('e', 9));
    expect(opened.say?.[0]).toMatchObject({ op: 'subscribe', epoch: 'e', since: { alerts: 6, system: 3 } });
    expect(opened.resets).toEqual([]);
    expect(missing(opened.feed)).toBe(3);
    // 10 came before the subscription was heard: it comes again, behind what was missed. 9 is out of scope.
    const after = run(opened.feed, [alert(10), standing('subscribed', 10), alert(7), alert(8), alert(10)]);
    expect(after.told).toEqual([7, 8, 10]);
    expect(missing(run(after.feed, [standing('status', 11)]).feed)).toBe(0);
    expect(run(after.feed, [standing('status', 11), alert(11), alert(12)]).told).toEqual([12]);
  });

  it('says that lists must be read anew when the aggregator is another, or has forgotten', () => {
    const before = run(begun, [hello('e', 4), alert(5)]);
    const other = step(before.feed, hello('f', 1));
    expect(other.resets).toContain('alerts');
    expect(run(other.feed, [alert(2)]).told).toEqual([2]);
    const gone = step(before.feed, JSON.stringify({ channel: 'alerts', type: 'reset', seq: 90, data: { reason: 'gone' } }));
    expect(gone.resets).toEqual(['alerts']);
    expect(run(gone.feed, [alert(90), alert(91)]).told).toEqual([91]);
  });

  it('passes over what it does not understand', () => {
    for (const text of ['', '{', 'null', '[]', '7', '{"type":7}', '{"channel":"x","seq":1}', '{"channel":"alerts","seq":"1"}']) {
      expect(step(begun, text)).toEqual({ feed: begun, events: [], resets: [] });
    }
  });
});
