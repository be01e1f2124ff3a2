// The sixty seconds before and during an alert: traffic, partners, mix of protocols and what was found when, on one
// axis. A moment is chosen by pointing, by keys (`,` and `.`), or by a number.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, must, type Schemas } from '../../api/client';
import { count, percent } from '../../lib/format';
import { usePrefs } from '../../lib/prefs';
import { clockTime } from '../../lib/time';
import { Twin, useWidth } from '../../components/chart';
import { useKeys } from '../../components/keys';
import { linear, niceTop, path, timeTicks } from '../../components/scale';
import { Empty, Shown } from '../../components/shown';

type Point = Schemas['Point'];
type Source = Schemas['Source'];

export function Timeline({ id, sources }: { id: string; sources: readonly Source[] }) {
  const timeline = useQuery({ queryKey: ['alert', id, 'timeline'], queryFn: () => must(api.GET('/api/context/{alert_id}/timeline', { params: { path: { alert_id: id } } })), staleTime: 60_000 });
  return (
    <Shown
      query={timeline}
      lines={6}
      empty={(data) =>
        data.timeline.length === 0 && (
          <Empty title="No minute was kept">The agent keeps the minute before an alert where it watched long enough to have one.</Empty>
        )
      }
    >
      {(data) => <Lanes points={data.timeline} sources={sources} />}
    </Shown>
  );
}

const LANES = [
  { name: 'Packets a second', tone: 's1', of: (point: Point) => point.packets_per_sec, write: count },
  { name: 'Addresses talked to', tone: 's2', of: (point: Point) => point.unique_dest_ips, write: count },
  { name: 'Share of the main protocol', tone: 's3', of: (point: Point) => point.protocol_distribution, write: (value: number) => percent(value), top: 1 },
] as const;

function Lanes({ points, sources }: { points: readonly Point[]; sources: readonly Source[] }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const { zone } = usePrefs();
  const [at, setAt] = useState<number | null>(null);
  const times = points.map((point) => Date.parse(point.time));
  const from = times[0] ?? 0;
  const to = times.at(-1) ?? 1;
  const [left, high, gap] = [8, 58, 22];
  const x = linear([from, to], [left, Math.max(left + 20, width - left)]);
  const move = (by: number) => setAt((was) => Math.max(0, Math.min(points.length - 1, (was ?? points.findIndex((one) => one.status !== 'normal')) + by)));
  useKeys('The minute', [
    { key: '.', label: 'A second on', run: () => move(1) },
    { key: ',', label: 'A second back', run: () => move(-1) },
  ]);
  const found = sources.map((one) => ({ ...one, time: Date.parse(one.detection_time) })).filter((one) => one.time >= from - 2000 && one.time <= to + 5000);
  const total = LANES.length * (high + gap) + 46;
  const point = at === null ? undefined : points[at];
  const odd = points.map((one, nth) => ({ nth, status: one.status })).filter((one) => one.status !== 'normal');
  const begun = odd[0]?.nth;
  const secondMs = Math.max(500, (to - from) / Math.max(1, points.length - 1));
  return (
    <figure className="chart minute">
      <div
        ref={ref}
        className="plot"
        style={{ height: total }}
        tabIndex={0}
        role="slider"
        aria-label="Second of the minute"
        aria-valuemin={1}
        aria-valuemax={points.length}
        aria-valuenow={(at ?? 0) + 1}
        aria-valuetext={point ? said(point, zone) : 'none chosen'}
        onKeyDown={(event) => {
          if (event.key === 'ArrowRight') move(1);
          else if (event.key === 'ArrowLeft') move(-1);
          else return;
          event.preventDefault();
        }}
        onPointerMove={(event) => {
          const wanted = event.clientX - (ref.current?.getBoundingClientRect().left ?? 0);
          setAt(Math.max(0, Math.min(points.length - 1, Math.round(linear([left, width - left], [0, points.length - 1])(wanted)))));
        }}
      >
        {width > 0 && (
          <svg width={width} height={total} aria-hidden="true">
            {bands(points).map((one) => (
              <rect key={one.from} className={`band ${one.status}`} x={x((times[one.from] ?? 0) - secondMs / 2)} width={x((times[one.to] ?? 0) + secondMs / 2) - x((times[one.from] ?? 0) - secondMs / 2)} y={0} height={total - 24} />
            ))}
            {LANES.map((lane, nth) => {
              const base = nth * (high + gap) + gap;
              const most = 'top' in lane ? lane.top : niceTop(Math.max(...points.map(lane.of)));
              const y = linear([0, most], [base + high, base + 4]);
              const drawn = path(points.map((one, place) => [times[place] ?? 0, lane.of(one)] as const), x, y);
              return (
                <g key={lane.name} className={lane.tone}>
                  <text className="lane" x={left} y={base - 6}>
                    {lane.name}
                    {point && <tspan className="value"> {lane.write(lane.of(point))}</tspan>}
                  </text>
                  <text className="tick" x={width - left} y={base - 6} textAnchor="end">
                    to {lane.write(most)}
                  </text>
                  <line className="base" x1={left} x2={width - left} y1={base + high} y2={base + high} />
                  <path className="area" d={`${drawn}L${x(to).toFixed(1)} ${base + high}L${x(from).toFixed(1)} ${base + high}Z`} />
                  <path className="line" d={drawn} />
                </g>
              );
            })}
            {found.map((one, nth) => (
              <g key={nth} className={`found l${one.layer}`} transform={`translate(${x(Math.min(one.time, to)).toFixed(1)} ${total - 33})`}>
                <path d={one.layer === 1 ? 'M0 -5 5 4H-5z' : one.layer === 2 ? 'M-4 -4h8v8h-8z' : 'M0 -6 6 0 0 6 -6 0z'} />
              </g>
            ))}
            {timeTicks(from, to, Math.max(2, Math.floor(width / 120))).filter((time) => x(time) > 30 && x(time) < width - 30).map((time) => (
              <text key={time} className="tick" x={x(time)} y={total - 6} textAnchor="middle">
                {clockTime(time, zone)}
              </text>
            ))}
            {at !== null && <line className="cross" x1={x(times[at] ?? 0)} x2={x(times[at] ?? 0)} y1={4} y2={total - 22} />}
          </svg>
        )}
      </div>
      <figcaption className="legend">
        <span>
          <i className="swatch band attack" /> {begun === undefined ? 'Nothing in this minute was called unusual' : `Unusual from second ${begun + 1} of ${points.length} on`}
        </span>
        {found.length > 0 && <span>▲ layer 1 · ■ layer 2 · ◆ layer 3 found something</span>}
        <label className="row nowrap">
          <span>Second</span>
          <input className="input number" type="number" min={1} max={points.length} value={at === null ? '' : at + 1} onChange={(event) => setAt(event.target.value === '' ? null : Math.max(0, Math.min(points.length - 1, Number(event.target.value) - 1)))} />
        </label>
        <Twin label="The minute">
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">Time</th>
                {LANES.map((lane) => (
                  <th key={lane.name} scope="col" className="right">
                    {lane.name}
                  </th>
                ))}
                <th scope="col">Judged</th>
              </tr>
            </thead>
            <tbody>
              {points.map((one, nth) => (
                <tr key={one.time}>
                  <td className="num">{clockTime(times[nth] ?? 0, zone)}</td>
                  {LANES.map((lane) => (
                    <td key={lane.name} className="right num">
                      {lane.write(lane.of(one))}
                    </td>
                  ))}
                  <td>{one.status}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Twin>
      </figcaption>
    </figure>
  );
}

/** Seconds one after another that were judged the same. */
function bands(points: readonly Point[]): { from: number; to: number; status: string }[] {
  const found: { from: number; to: number; status: string }[] = [];
  points.forEach(({ status }, nth) => {
    const last = found.at(-1);
    if (status === 'normal') return;
    if (last && last.to === nth - 1 && last.status === status) last.to = nth;
    else found.push({ from: nth, to: nth, status });
  });
  return found;
}

function said(point: Point, zone: 'utc' | 'local'): string {
  return `${clockTime(Date.parse(point.time), zone)}: ${LANES.map((lane) => `${lane.name} ${lane.write(lane.of(point))}`).join(', ')}; ${point.status}`;
}
