// The rows themselves: only those in sight are drawn, whatever their number. Rows that leave the sight are used again
// for those that come into it: scrolling fast writes texts anew, and makes no nodes.
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, type RefObject, useCallback, useEffect, useLayoutEffect, useRef } from 'react';
import { count } from '../../lib/format';
import { usePrefs } from '../../lib/prefs';
import { Moment, SeverityMark, StatusMark } from '../../components/marks';
import type { Row, Shown } from './list';

interface Props {
  shown: Shown;
  chosen: ReadonlySet<string>;
  at: number;
  open: string | undefined;
  isNarrow: boolean;
  scroller: RefObject<HTMLDivElement | null>;
  onChoose: (row: Row, isRange: boolean) => void;
  onOpen: (row: Row) => void;
  onMore: () => void;
}

export function Queue({ shown, chosen, at, open, isNarrow, scroller, onChoose, onOpen, onMore }: Props) {
  const { dense } = usePrefs();
  const rem = useRef(parseFloat(getComputedStyle(document.documentElement).fontSize));
  const height = Math.round(rem.current * (isNarrow ? 4.1 : dense ? 2 : 2.55));
  const rows = useVirtualizer({
    count: shown.rows.length + (shown.hasMore ? 1 : 0),
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 3,
  });
  useEffect(() => rows.measure(), [height, rows]);
  useEffect(() => {
    if (at >= 0) rows.scrollToIndex(at, { align: 'auto' });
  }, [at, rows]);
  const items = rows.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (shown.hasMore && last >= shown.rows.length - 150) onMore();
  }, [last, shown.hasMore, shown.rows.length, onMore]);
  // What rows are given stays the same from frame to frame, so that only those whose alert changes are drawn.
  const latest = useRef({ onChoose, onOpen });
  latest.current = { onChoose, onOpen };
  const choose = useCallback((row: Row, isRange: boolean) => latest.current.onChoose(row, isRange), []);
  const openIt = useCallback((row: Row) => latest.current.onOpen(row), []);
  const slots = useRef(0);
  slots.current = Math.max(slots.current, items.length);
  return (
    <div className={`rows ${isNarrow ? 'narrow' : ''}`} role="rowgroup" style={{ height: rows.getTotalSize() }}>
      {items.map((item) => {
        const row = shown.rows[item.index];
        if (!row) {
          return (
            <div key="more" className="arow dim" role="row" style={{ height, transform: `translateY(${item.start}px)` }}>
              <span role="cell">{shown.problem ? 'The rest could not be read.' : 'More…'}</span>
            </div>
          );
        }
        return (
          <AlertRow
            key={item.index % slots.current}
            row={row}
            nth={item.index}
            height={height}
            start={item.start}
            isChosen={chosen.has(row.id)}
            isAt={item.index === at}
            isOpen={row.id === open}
            onChoose={choose}
            onOpen={openIt}
          />
        );
      })}
    </div>
  );
}

interface RowProps {
  row: Row;
  nth: number;
  height: number;
  start: number;
  isChosen: boolean;
  isAt: boolean;
  isOpen: boolean;
  onChoose: (row: Row, isRange: boolean) => void;
  onOpen: (row: Row) => void;
}

const AlertRow = memo(function AlertRow({ row, nth, height, start, isChosen, isAt, isOpen, onChoose, onOpen }: RowProps) {
  const node = useRef<HTMLDivElement>(null);
  // What had the focus is another alert's now: a key must not act on that.
  useLayoutEffect(() => {
    const { activeElement } = document;
    if (activeElement instanceof HTMLElement && node.current?.contains(activeElement)) activeElement.blur();
  }, [row.id]);
  const isClosed = row.status === 'resolved' || row.status === 'false-positive';
  return (
    <div
      ref={node}
      role="row"
      aria-rowindex={nth + 2}
      aria-selected={isChosen}
      style={{ height, transform: `translateY(${start}px)` }}
      className={`arow ${isChosen ? 'chosen' : ''} ${isAt ? 'at' : ''} ${isOpen ? 'open' : ''} ${isClosed ? 'closed' : ''} edge-${row.severity}`}
      onClick={(event) => {
        if (!(event.target as HTMLElement).closest('input, a')) onOpen(row);
      }}
    >
      <span role="cell" className="c-check">
        <input
          type="checkbox"
          checked={isChosen}
          aria-label={`Select: ${row.title}`}
          onClick={(event) => onChoose(row, event.shiftKey)}
          onChange={() => undefined}
        />
      </span>
      <span role="cell" className="c-severity">
        <SeverityMark of={row.severity} />
      </span>
      <span role="cell" className="c-time">
        <Moment at={row.at} />
      </span>
      <span role="cell" className="c-title cut">
        <a
          href={`/alerts/${row.id}`}
          onClick={(event) => {
            if (event.metaKey || event.ctrlKey || event.shiftKey) return;
            event.preventDefault();
            onOpen(row);
          }}
        >
          {row.title}
        </a>
      </span>
      <span role="cell" className="c-technique cut" title={row.name ?? ''}>
        <code>{row.technique ?? ''}</code> <span className="dim">{row.name ?? ''}</span>
      </span>
      <span role="cell" className="c-assets mono cut">
        {`${row.src || '?'} → ${row.dst || '?'}${row.more > 0 ? ` +${row.more}` : ''}`}
      </span>
      <span role="cell" className="c-plant cut">
        {row.facility}
      </span>
      <span role="cell" className="c-count num right" title="How often it was found">
        {row.count > 1 ? `${count(row.count)}×` : ''}
      </span>
      <span role="cell" className="c-status">
        <StatusMark of={row.status} />
      </span>
    </div>
  );
});

export function Heads({ zone, all, onAll }: { zone: string; all: 'none' | 'some' | 'all'; onAll: () => void }) {
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (box.current) box.current.indeterminate = all === 'some';
  }, [all]);
  return (
    <div className="arow heads" role="row" aria-rowindex={1}>
      <span role="columnheader" className="c-check">
        <input ref={box} type="checkbox" checked={all === 'all'} onChange={onAll} aria-label="Select all that are loaded" />
      </span>
      <span role="columnheader" className="c-severity">Severity</span>
      <span role="columnheader" className="c-time">Time, {zone}</span>
      <span role="columnheader" className="c-title">What</span>
      <span role="columnheader" className="c-technique">Technique</span>
      <span role="columnheader" className="c-assets">From, to</span>
      <span role="columnheader" className="c-plant">Plant</span>
      <span role="columnheader" className="c-count right">Times</span>
      <span role="columnheader" className="c-status">Status</span>
    </div>
  );
}
