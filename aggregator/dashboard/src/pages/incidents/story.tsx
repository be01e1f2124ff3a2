// One incident in full: when what happened, step by step, and what may come next.
import { useQuery } from '@tanstack/react-query';
import { api, must, type Schemas } from '../../api/client';
import { plural } from '../../lib/format';
import { usePrefs } from '../../lib/prefs';
import type { Known } from '../../lib/tactics';
import { brief, hourMinute, parse } from '../../lib/time';
import { now } from '../../lib/clock';
import { useWidth } from '../../components/chart';
import { Expected } from '../../components/expected';
import { Go } from '../../components/go';
import { Ago, Moment, SEVERITIES, SEVERITY_SHAPE, SeverityMark } from '../../components/marks';
import { linear, timeTicks } from '../../components/scale';
import { Shown } from '../../components/shown';

type Detail = Schemas['IncidentDetail'];
type Step = Schemas['IncidentAlert'];

/** Steps that are listed; the queue has all. */
const LISTED = 60;
const DRAWN = 400;

export function Story({ id, known }: { id: string; known: ReadonlyMap<string, Known> }) {
  const detail = useQuery({ queryKey: ['incidents', 'one', id], queryFn: () => must(api.GET('/api/incidents/{incident_id}', { params: { path: { incident_id: id } } })) });
  return (
    <Shown query={detail} lines={5}>
      {(data) => (
        <div className="story">
          {data.timeline.length > 1 && <Line of={data} />}
          <div className="story-halves">
            <section>
              <h3>Step by step</h3>
              <Steps all={data.timeline} known={known} />
              {data.alert_count > LISTED && <p className="dim small">The first {LISTED} of {plural(data.alert_count, 'alert')}.</p>}
            </section>
            <section>
              <h3>What may come next</h3>
              <Coming all={data.predictions} />
            </section>
          </div>
        </div>
      )}
    </Shown>
  );
}

function Steps({ all, known }: { all: readonly Step[]; known: ReadonlyMap<string, Known> }) {
  return (
    <ol className="steps">
      {all.slice(0, LISTED).map((one) => (
        <li key={one.alert_id}>
          <Moment at={one.timestamp} /> {one.severity && <SeverityMark of={one.severity} wordless />} <Go to={`/alerts/${one.alert_id}`}>{one.title ?? 'An alert that is kept no longer'}</Go>{' '}
          {one.technique_id && (
            <Go to="/attack" search={{ technique: one.technique_id }} className="small">
              <code>{one.technique_id}</code> {known.get(one.technique_id)?.name}
            </Go>
          )}
        </li>
      ))}
    </ol>
  );
}

/** The newest that is open, and what came true of those before. */
function Coming({ all }: { all: Detail['predictions'] }) {
  const open = all.find((one) => !one.validated);
  const came = all.filter((one) => one.validated);
  return (
    <>
      {open ? (
        <>
          <p className="dim small">
            After <code>{open.current_technique}</code> {open.current_technique_name}, <Ago at={open.timestamp} />
          </p>
          <Expected all={open.predicted_techniques} />
          {open.recommendations.slice(0, 3).map((one) => (
            <p key={one.order} className="small">
              {one.text} <span className="dim">({one.techniques.join(', ')})</span>
            </p>
          ))}
        </>
      ) : (
        <p className="dim">Nothing is expected: no technique was named, or what was expected has come.</p>
      )}
      {came.length > 0 && (
        <p className="small">
          <b className="is-good">Foreseen:</b> {[...new Set(came.map((one) => one.validated_technique))].join(', ')}
        </p>
      )}
    </>
  );
}

/** When: one mark for each alert, on a line for each severity. */
function Line({ of }: { of: Detail }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const { zone } = usePrefs();
  const told = of.timeline.filter((one) => one.severity);
  const rows = SEVERITIES.filter((severity) => told.some((one) => one.severity === severity));
  const [first, last] = [parse(of.first_seen), parse(of.last_seen)];
  const x = linear([first, Math.max(last, first + 1000)], [74, Math.max(90, width - 14)]);
  const height = rows.length * 20 + 24;
  return (
    <div ref={ref} className="plot" style={{ height }}>
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={`${told.length} alerts from ${brief(first, zone, now())} to ${brief(last, zone, now())}`}>
          {rows.map((one, nth) => (
            <g key={one}>
              <text x={0} y={nth * 20 + 14}>
                {one}
              </text>
              <line className="base" x1={70} x2={width - 6} y1={nth * 20 + 10} y2={nth * 20 + 10} />
            </g>
          ))}
          {told.slice(0, DRAWN).map((one) => one.severity && <path key={one.alert_id} className={`is-${one.severity}`} d={SEVERITY_SHAPE[one.severity]} fill="currentColor" fillRule="evenodd" transform={`translate(${(x(parse(one.timestamp)) - 5).toFixed(1)} ${rows.indexOf(one.severity) * 20 + 5}) scale(0.65)`} />)}
          {timeTicks(first, last, Math.max(2, Math.floor(width / 140))).map((time) => (
            <text key={time} x={x(time)} y={height - 4} textAnchor="middle">
              {last - first < 6e5 ? brief(time, zone, now()) : hourMinute(time, zone)}
            </text>
          ))}
        </svg>
      )}
    </div>
  );
}
