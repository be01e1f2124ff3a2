// What belongs together: the alerts of one source at one plant as one story, along the kill chain and along time.
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { api, must, type Schemas } from '../../api/client';
import { count, few, plural } from '../../lib/format';
import { type Incident, incidents, TACTICS } from '../../lib/kill-chain';
import { usePrefs } from '../../lib/prefs';
import { brief, duration, hourMinute, parse } from '../../lib/time';
import { now } from '../../lib/clock';
import { useWidth } from '../../components/chart';
import { Go } from '../../components/go';
import { Moment, SEVERITIES, SEVERITY_SHAPE, SeverityMark } from '../../components/marks';
import { linear, timeTicks } from '../../components/scale';
import { Empty, Page, Panel, Shown } from '../../components/shown';
import { useSearchState } from '../../app/router';

const GAP = 60 * 60_000;
const RANGES = ['1h', '24h', '7d', '30d'];

export default function Incidents() {
  const [search, set] = useSearchState();
  const range = search['range'] ?? '24h';
  const { facility } = search;
  const alerts = useQuery({
    queryKey: ['incidents', range, facility ?? ''],
    queryFn: () => must(api.GET('/api/alerts', { params: { query: { range, facility, limit: 500 } } })),
  });
  const found = useMemo(() => incidents(alerts.data?.alerts ?? [], GAP), [alerts.data]);
  const stories = found.filter((one) => one.alerts.length > 1);
  const singles = found.filter((one) => one.alerts.length === 1);
  const [most, setMost] = useState(20);
  return (
    <Page
      title="Incidents"
      actions={
        <>
          <div className="segments" role="group" aria-label="Time">
            {RANGES.map((one) => (
              <button key={one} aria-pressed={range === one} onClick={() => set({ range: one })}>
                {one}
              </button>
            ))}
          </div>
          {facility && (
            <button className="button tiny picked" onClick={() => set({ facility: undefined })}>
              {facility} ×
            </button>
          )}
        </>
      }
    >
      <Shown
        query={alerts}
        lines={10}
        empty={(data) =>
          data.alerts.length === 0 && (
            <Empty icon="check" title="Nothing happened" action={<button className="button" onClick={() => set({ range: '30d' })}>Look at 30 days</button>}>
              No alert in this time.
            </Empty>
          )
        }
      >
        {(data) => (
          <>
            <p className="dim">
              {plural(found.length, 'incident')} of {plural(data.alerts.length, 'alert')}
              {data.next_cursor ? ' (the latest; there are more)' : ''}. An incident is what one source does at one plant until it has been calm for an hour.
            </p>
            {stories.slice(0, most).map((one) => (
              <Story key={one.id} of={one} />
            ))}
            {stories.length > most && (
              <button className="button" onClick={() => setMost(most + 20)}>
                {count(stories.length - most)} more
              </button>
            )}
            {singles.length > 0 && <Singles all={singles} />}
          </>
        )}
      </Shown>
    </Page>
  );
}

/** What stayed at one alert: a line each. */
function Singles({ all }: { all: readonly Incident[] }) {
  const [most, setMost] = useState(25);
  return (
    <Panel title="Single alerts" note={plural(all.length, 'source') + ' that did nothing else'} flush>
      <ul className="urgent">
        {all.slice(0, most).map((one) => {
          const alert = one.alerts[0];
          return (
            alert && (
              <li key={one.id}>
                <SeverityMark of={one.worst} />
                <Go to={`/alerts/${alert.id}`} className="cut">
                  {alert.title}
                </Go>
                <span className="dim small cut">{one.facility}</span>
                <Moment at={alert.first_seen} />
              </li>
            )
          );
        })}
      </ul>
      {all.length > most && (
        <p className="inset">
          <button className="button tiny" onClick={() => setMost(most + 100)}>
            {count(all.length - most)} more
          </button>
        </p>
      )}
    </Panel>
  );
}

function Story({ of }: { of: Incident }) {
  const steps = TACTICS.filter(([id]) => of.tactics.has(id)).map(([, name]) => name.toLowerCase());
  return (
    <article className={`incident edge-${of.worst}`} id={of.id}>
      <header>
        <SeverityMark of={of.worst} />
        <h2>
          <span className="mono">{of.source}</span> at {of.facility}: {steps.length ? steps.join(', then ') : 'unusual, not named yet'}
        </h2>
        <span className="dim small">
          <Moment at={new Date(of.first).toISOString()} /> · {of.last - of.first >= 1000 ? duration((of.last - of.first) / 1000) : 'a moment'}
        </span>
      </header>
      <p className="dim">
        {plural(of.alerts.length, 'alert')}, towards {few(of.targets, 3)}.{' '}
        <Go to="/alerts" search={{ facility: of.facility, search: of.source, tab: 'all' }}>
          Its alerts
        </Go>
      </p>
      <Chain of={of} />
      {of.alerts.length > 1 && <Line of={of} />}
      <details className="twin">
        <summary>Step by step</summary>
        <ol className="steps">
          {of.alerts.slice(0, 60).map((one) => (
            <li key={one.id}>
              <Moment at={one.first_seen} /> <SeverityMark of={one.severity} wordless /> <Go to={`/alerts/${one.id}`}>{one.title}</Go>{' '}
              {one.attack_type && <code>{one.attack_type}</code>}
            </li>
          ))}
        </ol>
      </details>
    </article>
  );
}

function Chain({ of }: { of: Incident }) {
  return (
    <ol className="chain" aria-label="Kill chain" tabIndex={0}>
      {TACTICS.map(([id, name]) => {
        const seen = of.tactics.get(id);
        const techniques = [...new Set(seen?.map((one) => one.attack_type).filter(Boolean))] as string[];
        return (
          <li key={id} className={seen ? 'seen' : ''}>
            {seen ? <b>{name}</b> : name}
            {seen && (
              <span>
                {few(techniques, 2)} · {count(seen.length)}×
              </span>
            )}
          </li>
        );
      })}
    </ol>
  );
}

/** When: one mark for each alert, on a line for each severity. */
function Line({ of }: { of: Incident }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const { zone } = usePrefs();
  const rows = SEVERITIES.filter((severity) => of.alerts.some((one) => one.severity === severity));
  const x = linear([of.first, Math.max(of.last, of.first + 1000)], [74, Math.max(90, width - 14)]);
  const height = rows.length * 20 + 24;
  const mark = (one: Schemas['Alert']) => (
    <path key={one.id} className={`is-${one.severity}`} d={SEVERITY_SHAPE[one.severity]} fill="currentColor" fillRule="evenodd" transform={`translate(${(x(parse(one.first_seen)) - 5).toFixed(1)} ${rows.indexOf(one.severity) * 20 + 5}) scale(0.65)`} />
  );
  return (
    <div ref={ref} className="plot" style={{ height }}>
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={`${of.alerts.length} alerts from ${brief(of.first, zone, now())} to ${brief(of.last, zone, now())}`}>
          {rows.map((one, nth) => (
            <g key={one}>
              <text x={0} y={nth * 20 + 14}>
                {one}
              </text>
              <line className="base" x1={70} x2={width - 6} y1={nth * 20 + 10} y2={nth * 20 + 10} />
            </g>
          ))}
          {of.alerts.slice(0, 400).map(mark)}
          {timeTicks(of.first, of.last, Math.max(2, Math.floor(width / 140))).map((time) => (
            <text key={time} x={x(time)} y={height - 4} textAnchor="middle">
              {of.last - of.first < 6e5 ? brief(time, zone, now()) : hourMinute(time, zone)}
            </text>
          ))}
        </svg>
      )}
    </div>
  );
}
