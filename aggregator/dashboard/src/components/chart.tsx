// Series over time: lines or stacked bars, one crosshair, keys for those who have no mouse, and the same as a table.
import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { usePrefs } from '../lib/prefs';
import { brief, day, full, hourMinute, clockTime } from '../lib/time';
import { now } from '../lib/clock';
import { linear, niceTop, path, timeTicks } from './scale';

export interface Series {
  name: string;
  /** A class of charts.css: `s1` to `s6`, or `is-critical` and so on. */
  tone: string;
  points: readonly (readonly [number, number | null])[];
}

interface Props {
  label: string;
  series: readonly Series[];
  write: (value: number | null) => string;
  height?: number;
  kind?: 'line' | 'bars';
  /** How long a bar lasts. */
  stepMs?: number;
  span?: [number, number];
  /** Somebody chose a moment. */
  onPick?: (at: number) => void;
  top?: number;
}

export function useWidth<T extends HTMLElement>(): [React.RefObject<T | null>, number] {
  const ref = useRef<T>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!ref.current) return;
    const watch = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    watch.observe(ref.current);
    return () => watch.disconnect();
  }, []);
  return [ref, width];
}

export function Chart({ label, series, write, height = 170, kind = 'line', stepMs = 60_000, span, onPick, top }: Props) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const [at, setAt] = useState<number | null>(null);
  const { zone } = usePrefs();
  const id = useId();
  const times = [...new Set(series.flatMap((one) => one.points.map(([time]) => time)))].sort((a, b) => a - b);
  const from = span?.[0] ?? times[0] ?? 0;
  const to = span?.[1] ?? times.at(-1) ?? 1;
  const values = new Map(series.map((one) => [one.name, new Map(one.points)]));
  const most = kind === 'bars' ? Math.max(0, ...times.map((time) => series.reduce((sum, one) => sum + (values.get(one.name)?.get(time) ?? 0), 0))) : Math.max(0, ...series.flatMap((one) => one.points.map(([, value]) => value ?? 0)));
  const high = top ?? niceTop(most);
  const [left, bottom] = [44, 22];
  const x = linear([from, to + (kind === 'bars' ? stepMs : 0)], [left, Math.max(left + 10, width - 8)]);
  const y = linear([0, high], [height - bottom, 8]);
  const isLong = to - from > 36 * 36e5;
  const offset = zone === 'utc' ? 0 : -new Date(to).getTimezoneOffset();
  const ticks = timeTicks(from, to, Math.max(2, Math.floor(width / 110)), offset);
  const shown = at !== null ? times[Math.max(0, Math.min(times.length - 1, at))] : undefined;
  const step = (by: number) => setAt((was) => Math.max(0, Math.min(times.length - 1, (was ?? (by > 0 ? -1 : times.length)) + by)));
  const nearest = (clientX: number): number => {
    const box = ref.current?.getBoundingClientRect();
    const wanted = clientX - (box?.left ?? 0);
    let best = 0;
    times.forEach((time, nth) => {
      if (Math.abs(x(time) - wanted) < Math.abs(x(times[best] ?? 0) - wanted)) best = nth;
    });
    return best;
  };
  return (
    <figure className="chart" aria-labelledby={id}>
      <figcaption id={id} className="hidden">
        {label}
      </figcaption>
      <div
        ref={ref}
        className="plot"
        style={{ height }}
        tabIndex={0}
        role="group"
        aria-label={`${label}. Arrow keys step through it.`}
        onPointerMove={(event) => setAt(nearest(event.clientX))}
        onPointerLeave={() => setAt(null)}
        onBlur={() => setAt(null)}
        onClick={(event) => {
          const time = times[nearest(event.clientX)];
          if (time !== undefined) onPick?.(time);
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowRight') step(1);
          else if (event.key === 'ArrowLeft') step(-1);
          else if (event.key === 'Enter' && shown !== undefined) onPick?.(shown);
          else return;
          event.preventDefault();
        }}
      >
        {width > 0 && times.length > 0 && (
          <svg width={width} height={height} aria-hidden="true">
            {[0, 0.5, 1].map((share) => (
              <g key={share} className="grid-line">
                <line x1={left} x2={width - 8} y1={y(high * share)} y2={y(high * share)} />
                <text x={left - 6} y={y(high * share) + 4} textAnchor="end">
                  {write(high * share)}
                </text>
              </g>
            ))}
            {ticks.filter((time) => x(time) < width - 24).map((time) => (
              <text key={time} x={x(time)} y={height - 5} textAnchor="middle" className="tick">
                {isLong ? day(time, zone) : to - from < 5 * 6e4 ? clockTime(time, zone) : hourMinute(time, zone)}
              </text>
            ))}
            {kind === 'line' && series.map((one, nth) => <Line key={one.name} one={one} x={x} y={y} isFilled={series.length === 1 || nth === 0} />)}
            {kind === 'bars' && <Bars times={times} series={series} values={values} x={x} y={y} stepMs={stepMs} />}
            {shown !== undefined && <line className="cross" x1={x(shown)} x2={x(shown)} y1={6} y2={height - bottom} />}
          </svg>
        )}
        {shown !== undefined && (
          <div className="tip" style={{ left: Math.min(Math.max(x(shown) + 10, 0), Math.max(0, width - 190)) }} role="status">
            <b>{brief(shown, zone, now())}</b>
            {series.map((one) => (
              <span key={one.name} className="row nowrap">
                <i className={`swatch ${one.tone}`} /> {one.name} <b className="num">{write(values.get(one.name)?.get(shown) ?? null)}</b>
              </span>
            ))}
          </div>
        )}
      </div>
      <div className="legend">
        {series.map((one) => (
          <span key={one.name}>
            <i className={`swatch ${one.tone}`} /> {one.name}
          </span>
        ))}
        <Twin label={label}>
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">Time</th>
                {series.map((one) => (
                  <th key={one.name} scope="col" className="right">
                    {one.name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {times.slice(-200).map((time) => (
                <tr key={time}>
                  <td className="num nowrap">{full(time, zone)}</td>
                  {series.map((one) => (
                    <td key={one.name} className="right num">
                      {write(values.get(one.name)?.get(time) ?? null)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Twin>
      </div>
    </figure>
  );
}

function Line({ one, x, y, isFilled }: { one: Series; x: (value: number) => number; y: (value: number) => number; isFilled: boolean }) {
  const drawn = path(one.points, x, y);
  const known = one.points.filter(([, value]) => value !== null);
  const area = isFilled && known.length > 1 && known.length === one.points.length ? `${drawn}L${x(known.at(-1)![0]).toFixed(1)} ${y(0)}L${x(known[0]![0]).toFixed(1)} ${y(0)}Z` : '';
  return (
    <g className={one.tone}>
      {area && <path d={area} className="area" />}
      <path d={drawn} className="line" />
      {known.length < 40 && known.map(([time, value]) => <circle key={time} cx={x(time)} cy={y(value ?? 0)} r={2.4} className="dot" />)}
    </g>
  );
}

interface BarsProps {
  times: readonly number[];
  series: readonly Series[];
  values: Map<string, Map<number, number | null>>;
  x: (value: number) => number;
  y: (value: number) => number;
  stepMs: number;
}

function Bars({ times, series, values, x, y, stepMs }: BarsProps) {
  return (
    <>
      {times.map((time) => {
        let sum = 0;
        const wide = Math.max(1, x(time + stepMs) - x(time) - 1);
        return series.map((one) => {
          const value = values.get(one.name)?.get(time) ?? 0;
          if (!value) return null;
          sum += value;
          return <rect key={one.name + time} className={`bar ${one.tone}`} x={x(time)} width={wide} y={y(sum)} height={Math.max(1, y(sum - value) - y(sum))} />;
        });
      })}
    </>
  );
}

/** The same as a table, for those who cannot see the picture, or want the figures. */
export function Twin({ label, children }: { label: string; children: ReactNode }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="twin" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Table</summary>
      {isOpen && (
        <div className="twin-body" tabIndex={0} role="region" aria-label={`${label}, as a table`}>
          {children}
        </div>
      )}
    </details>
  );
}

/** A list of shares as bars: names, figures, and where a click goes. */
export function BarList({ items, write, most }: { items: readonly { key: string; name: ReactNode; value: number; tone?: string }[]; write: (value: number) => string; most?: number }) {
  const high = most ?? Math.max(1, ...items.map((one) => one.value));
  return (
    <ul className="barlist">
      {items.map((one) => (
        <li key={one.key}>
          <span className="cut">{one.name}</span>
          <span className={`track ${one.tone ?? 's1'}`} aria-hidden="true">
            <i style={{ width: `${Math.max(1, (one.value / high) * 100)}%` }} />
          </span>
          <b className="num right">{write(one.value)}</b>
        </li>
      ))}
    </ul>
  );
}
