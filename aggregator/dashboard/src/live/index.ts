// How pages listen.
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useSyncExternalStore } from 'react';
import type { Channel } from './feed';
import { type Batch, held, type Lamp, onBatch, onLamp } from './socket';

export { type Batch, type Lamp, takeCaughtUp } from './socket';

export function useLamp(): Lamp {
  return useSyncExternalStore(onLamp, held);
}

export function useBatches(listener: (batch: Batch) => void): void {
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => onBatch((batch) => latest.current(batch)), []);
}

/** What of the page's answers is old once something has happened on a channel. */
const TOUCHED: Record<Channel, string[]> = {
  alerts: ['alert-stats', 'overview', 'threats', 'charts', 'summary', 'facilities', 'map', 'incidents', 'activities'],
  fl_status: ['fl', 'models', 'training'],
  predictions: ['predictions', 'graph', 'incidents'],
  system: ['facilities', 'fleet', 'overview', 'fl', 'activities'],
};

/** Asks anew for what has changed, at most every two seconds: a burst costs a few questions. */
export function useFreshness(): void {
  const client = useQueryClient();
  useEffect(() => {
    let keys = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let last = 0;
    const ask = () => {
      timer = undefined;
      last = performance.now();
      const touched = keys;
      keys = new Set();
      void client.invalidateQueries({ predicate: (query) => touched.has(String(query.queryKey[0])) });
    };
    const stop = onBatch(({ events, resets }) => {
      for (const channel of new Set([...events.map((one) => one.channel), ...resets])) {
        for (const key of TOUCHED[channel]) keys.add(key);
      }
      if (resets.size > 0) keys.add('alert');
      if (keys.size > 0) timer ??= setTimeout(ask, Math.max(50, last + 2000 - performance.now()));
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [client]);
}
