// The queue of alerts: what to look at, in which order, and what to do about it without leaving it.
import { useNavigate } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { may, useMe } from '../../api/session';
import { now } from '../../lib/clock';
import { count, plural } from '../../lib/format';
import { usePrefs } from '../../lib/prefs';
import { abbreviation } from '../../lib/time';
import { useBatches } from '../../live';
import { Icon } from '../../components/icons';
import { useKeys } from '../../components/keys';
import { Empty, Loading, ProblemNote, useTitle } from '../../components/shown';
import { sayProblem } from '../../components/toasts';
import { useSearchState } from '../../app/router';
import { type Act, ACTS, actOnMany, ReasonDialog, undoLast } from './acts';
import { Detail } from './detail';
import { askedOf, FIELDS, isNarrowed, TABS } from './filter';
import { Filters } from './filters';
import { AlertList, type Row } from './list';
import { Heads, Queue } from './queue';
import { chime } from './chime';

function useWide(query: string): boolean {
  const list = useMemo(() => matchMedia(query), [query]);
  return useSyncExternalStore(
    (listener) => {
      list.addEventListener('change', listener);
      return () => list.removeEventListener('change', listener);
    },
    () => list.matches,
  );
}

export default function Alerts() {
  useTitle('Alerts');
  const [search, set] = useSearchState();
  const me = useMe();
  const navigate = useNavigate();
  const { zone, sound } = usePrefs();
  const asked = askedOf(search);
  const key = JSON.stringify(asked);
  const list = useMemo(() => new AlertList(JSON.parse(key) as typeof asked), [key]);
  const shown = useSyncExternalStore(list.subscribe, list.state);
  const scroller = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(-1);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [isAll, setAll] = useState(false);
  const [isPaused, setPaused] = useState(false);
  const [act, setAct] = useState<Act | null>(null);
  const anchor = useRef(-1);
  const isSplit = useWide('(min-width: 1180px)');
  const isSmall = useWide('(max-width: 860px)');
  const open = search['open'];
  const mayAct = may(me, 'analyst');

  useEffect(() => {
    void list.load();
    setAt(-1);
    setChosen(new Set());
    setAll(false);
    scroller.current?.scrollTo({ top: 0 });
    return () => list.stop();
  }, [list]);

  const isResting = () => !isPaused && (scroller.current?.scrollTop ?? 0) < 40 && chosen.size === 0 && at < 1 && act === null;
  useBatches(({ events, resets }) => {
    const fresh = list.apply(events, isResting());
    if (sound && fresh.some((one) => one.severity === 'critical')) chime();
    if (resets.has('alerts')) {
      if (isResting()) void list.load();
      else list.fallBehind();
    }
  });

  const rows = shown.rows;
  const row = rows[at];
  const openRow = useCallback(
    (one: Row) => {
      setAt(list.place(one.id));
      if (isSmall) void navigate({ to: '/alerts/$id', params: { id: one.id } });
      else set({ open: one.id }, { push: !open });
    },
    [isSmall, list, navigate, open, set],
  );
  const move = (by: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, at + by));
    setAt(next);
    if (open && rows[next]) set({ open: rows[next].id });
  };
  const choose = (one: Row, isRange: boolean) => {
    const place = list.place(one.id);
    const next = new Set(chosen);
    if (isRange && anchor.current >= 0) {
      const [from, to] = [Math.min(anchor.current, place), Math.max(anchor.current, place)];
      for (const other of rows.slice(from, to + 1)) next.add(other.id);
    } else if (!next.delete(one.id)) next.add(one.id);
    anchor.current = place;
    setChosen(next);
    setAll(false);
  };
  const targets = (): ReadonlySet<string> => (chosen.size > 0 ? chosen : row ? new Set([row.id]) : new Set());
  const begin = (one: Act) => {
    if (!mayAct || targets().size === 0) return;
    if (one === 'acknowledge' && !isAll) void perform(one, '').catch(sayProblem);
    else setAct(one);
  };
  const perform = async (one: Act, reason: string) => {
    const ids = targets();
    const back = list.foresee(ids, ACTS[one].status);
    const over = reason ? { reason } : {};
    const { range, since, until, ...rest } = asked;
    const query = { ...rest, ...(range ? { range } : {}), ...(since ? { since } : {}), ...(until ? { until } : {}) };
    try {
      const whole = isAll ? { action: one, query, expected_count: shown.total ?? 0, ...over } : { action: one, ids: [...ids].slice(0, 10_000), ...over };
      await actOnMany(whole, () => {
        if (isAll) void list.load();
      });
    } catch (error) {
      back();
      throw error;
    }
    // What was closed here leaves the queue of what is open; the place stays where it was.
    const status = ACTS[one].status;
    if (asked.status && !asked.status.split(',').includes(status)) {
      list.drop(ids);
      setAt((was) => Math.min(was, list.state().rows.length - 1));
      if (open && ids.has(open)) set({ open: list.state().rows[Math.min(at, list.state().rows.length - 1)]?.id });
    }
    setChosen(new Set());
    setAll(false);
  };

  useKeys('The queue', [
    { key: 'j', label: 'Next alert', run: () => move(1) },
    { key: 'k', label: 'Previous alert', run: () => move(-1) },
    { key: 'ArrowDown', label: 'Next alert', run: () => move(1) },
    { key: 'ArrowUp', label: 'Previous alert', run: () => move(-1) },
    { key: 'Enter', label: 'Open', run: () => row && openRow(row) },
    { key: 'x', label: 'Select', run: () => row && choose(row, false) },
    ...(mayAct ? (['acknowledge', 'resolve', 'dismiss'] as const).map((one) => ({ key: ACTS[one].key, label: ACTS[one].title, run: () => begin(one) })) : []),
    { key: 'u', label: 'Undo what was done last', run: undoLast },
    { key: 'n', label: 'Show new alerts', run: () => admit() },
    { key: 'p', label: 'Pause or go on', run: () => setPaused(!isPaused) },
    {
      key: 'Escape',
      label: 'Close, or select none',
      run: () => {
        if (open) set({ open: undefined });
        else setChosen(new Set());
      },
    },
  ]);
  const admit = () => {
    list.admit();
    setAt(-1);
    scroller.current?.scrollTo({ top: 0 });
  };

  const tab = search['tab'] ?? '';
  const isDetail = open !== undefined && !isSmall;
  return (
    <div className="content full" id="content" tabIndex={-1}>
      <div className="queue-head">
        <h1>Alerts</h1>
        <div className="tabs" role="tablist" aria-label="Which alerts">
          {TABS.map((one) => (
            <button key={one.id} role="tab" aria-selected={tab === one.id} onClick={() => set({ tab: one.id, status: undefined })}>
              {one.title}
            </button>
          ))}
        </div>
        <span className="dim small num" role="status">
          {shown.total === null ? '' : `${shown.isLeast ? 'at least ' : ''}${count(shown.total)}`}
        </span>
        <span className="push" />
        {(shown.waiting > 0 || shown.isBehind) && (
          <button className="button main tiny pill" onClick={admit}>
            <Icon name="up" /> {shown.isBehind ? 'Many new' : `${count(shown.waiting)} new`} <kbd>n</kbd>
          </button>
        )}
        <button className="button tiny" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)} title="New alerts wait instead of coming in on top">
          <Icon name={isPaused ? 'play' : 'pause'} />
          <span className="wide-text">{isPaused ? 'Paused' : 'Pause'}</span>
        </button>
      </div>
      <Filters />
      {chosen.size > 0 && (
        <div className="bulk" role="region" aria-label="What to do with the selected">
          <b>{isAll ? `All ${count(shown.total)} that match` : `${count(chosen.size)} selected`}</b>
          {!isAll && shown.total !== null && shown.total > chosen.size && !shown.isLeast && (
            <button className="button plain tiny" onClick={() => setAll(true)}>
              Select all {count(shown.total)} that match
            </button>
          )}
          {mayAct &&
            (['acknowledge', 'resolve', 'dismiss'] as const).map((one) => (
              <button key={one} className="button tiny" onClick={() => begin(one)}>
                {ACTS[one].title} <kbd className="wide-only">{ACTS[one].key}</kbd>
              </button>
            ))}
          <button className="button plain tiny" onClick={() => setChosen(new Set())}>
            Select none
          </button>
        </div>
      )}
      {shown.problem && rows.length > 0 && <ProblemNote problem={shown.problem} retry={() => void list.load()} />}
      <div className={`split ${isDetail && isSplit ? 'two' : ''}`}>
        <div ref={scroller} className={`table ${isDetail && !isSplit ? 'wide-hidden' : ''}`} role={rows.length > 0 ? 'table' : 'region'} aria-label="Alerts" aria-rowcount={rows.length > 0 ? (shown.total ?? rows.length) + 1 : undefined} tabIndex={0}>
          {rows.length > 0 && (
            <>
              <div role="rowgroup" className="heads-group">
                <Heads
                  zone={abbreviation(zone, now())}
                  all={chosen.size === 0 ? 'none' : chosen.size >= rows.length ? 'all' : 'some'}
                  onAll={() => setChosen(chosen.size > 0 ? new Set() : new Set(rows.slice(0, 10_000).map((one) => one.id)))}
                />
              </div>
              <Queue
                shown={shown}
                chosen={chosen}
                at={at}
                open={open}
                isNarrow={isSmall || (isDetail && isSplit)}
                scroller={scroller}
                onChoose={choose}
                onOpen={openRow}
                onMore={() => void list.more()}
              />
            </>
          )}
          {rows.length === 0 && shown.phase === 'loading' && (
            <div className="pad">
              <Loading lines={9} />
            </div>
          )}
          {rows.length === 0 && shown.phase === 'failed' && shown.problem && (
            <div className="pad">
              <ProblemNote problem={shown.problem} retry={() => void list.load()} />
            </div>
          )}
          {rows.length === 0 && shown.phase === 'ready' && <Nothing />}
        </div>
        {isDetail && open && (
          <aside className="aside" aria-label="The alert">
            <Detail id={open} onClose={() => set({ open: undefined })} onStep={move} />
          </aside>
        )}
      </div>
      {act && (
        <ReasonDialog
          act={act}
          count={isAll ? (shown.total ?? 0) : targets().size}
          about={isAll ? `Every alert that passes the filter, ${plural(shown.total ?? 0, 'alert')} now. If their number has changed, nothing is done.` : targets().size === 1 ? (rows.find((one) => targets().has(one.id))?.title ?? '') : 'Those that you have selected.'}
          onClose={() => setAct(null)}
          onDone={(reason) => perform(act, reason)}
        />
      )}
    </div>
  );
}

/** Says what emptied it. */
function Nothing() {
  const [search, set] = useSearchState();
  if (!isNarrowed(search)) {
    return (
      <Empty icon="check" title={(search['tab'] ?? '') === '' ? 'Nothing is open' : 'There is nothing here'}>
        New alerts appear here by themselves, within a second of their arrival.
      </Empty>
    );
  }
  const clear = Object.fromEntries(FIELDS.map((field) => [field, undefined]));
  return (
    <Empty
      title="No alert passes this filter"
      action={
        <div className="row">
          <button className="button" onClick={() => set(clear)}>
            Clear the filter
          </button>
          {search['range'] && (
            <button className="button" onClick={() => set({ range: '30d' })}>
              Look at 30 days
            </button>
          )}
        </div>
      }
    >
      {FIELDS.filter((field) => search[field])
        .map((field) => `${field}: ${search[field]}`)
        .join(' · ')}
    </Empty>
  );
}
