// What is wrong with everything: nobody answers, clocks differ, parts of the aggregator are not well.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { api, must } from '../api/client';
import { clockError, onClock } from '../lib/clock';
import { words } from '../lib/format';
import { ago, duration } from '../lib/time';
import { takeCaughtUp, useLamp } from '../live';
import { Icon } from '../components/icons';
import { useNow } from '../components/marks';
import { say } from '../components/toasts';

export function LampMark() {
  const lamp = useLamp();
  const said = {
    connecting: 'Connecting',
    live: 'Live',
    'catching-up': `Catching up${lamp.state === 'catching-up' ? ` ${lamp.left}` : ''}`,
    away: 'Not live',
  }[lamp.state];
  return (
    <span className={`lamp ${lamp.state}`} role="status" aria-live="polite" title="Whether this page hears what happens as it happens">
      <i />
      {said}
    </span>
  );
}

function Away({ since }: { since: number }) {
  const now = useNow();
  if (now - since < 2500) return null;
  return (
    <div className="banner bad" role="alert">
      <Icon name="away" />
      <span>
        <b>Not live since {ago(since, now)}.</b> What you see may be old. The page connects again by itself, and then shows what it missed.
      </span>
    </div>
  );
}

function ClockError() {
  const error = useSyncExternalStore(onClock, () => Math.round(clockError() / 10_000) * 10_000);
  const [isSeen, setSeen] = useState(false);
  if (Math.abs(error) < 60_000 || isSeen) return null;
  return (
    <div className="banner">
      <Icon name="info" />
      <span>
        <b>
          This computer's clock is {duration(Math.abs(error) / 1000)} {error > 0 ? 'ahead' : 'behind'}.
        </b>{' '}
        Ages and times here go by the aggregator's clock.
      </span>
      <button className="button tiny" onClick={() => setSeen(true)}>
        Understood
      </button>
    </div>
  );
}

function Degraded() {
  const health = useQuery({ queryKey: ['health'], queryFn: () => must(api.GET('/health')), refetchInterval: 30_000 });
  const parts = health.data?.degraded ?? [];
  if (parts.length === 0) return null;
  return (
    <div className="banner" role="status">
      <Icon name="info" />
      <span>
        <b>The aggregator does not do all that it should:</b> {parts.map(words).join(', ')}.
      </span>
    </div>
  );
}

export function Banners() {
  const lamp = useLamp();
  useEffect(() => {
    if (lamp.state !== 'live') return;
    const missed = takeCaughtUp();
    if (missed > 0) say(`Caught up: ${missed} ${missed === 1 ? 'event' : 'events'} had been missed.`);
  }, [lamp.state]);
  return (
    <div className="banners">
      {lamp.state === 'away' && <Away since={lamp.since} />}
      <ClockError />
      <Degraded />
    </div>
  );
}
