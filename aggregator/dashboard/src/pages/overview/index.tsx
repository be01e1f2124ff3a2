// What needs somebody now, and how all plants are, at a glance.
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { api, maybe, must } from '../../api/client';
import { count, percent, plural, short } from '../../lib/format';
import { ago, iso, parse } from '../../lib/time';
import { Chart } from '../../components/chart';
import { Go } from '../../components/go';
import { Ago, Moment, Presence, SEVERITIES, SeverityMark, StatusMark, useNow } from '../../components/marks';
import { Empty, Page, Panel, Shown } from '../../components/shown';
import { rebinned } from '../../lib/series';
import { DemoHere } from '../settings/demo';
import { NowPanel } from './now';

export default function Overview() {
  return (
    <Page title="Overview">
      <Attention />
      <DemoHere />
      <div className="grid">
        <Panel title="Needs you now" className="w8" flush note={<Go to="/alerts" search={{ status: 'new' }}>All new</Go>}>
          <Urgent />
        </Panel>
        <Panel title="Now" className="w4">
          <NowPanel />
        </Panel>
        <Panel title="Plants" className="w7" flush note={<Go to="/facilities">All of them</Go>}>
          <Plants />
        </Panel>
        <Panel title="Learning together" className="w5" note={<Go to="/learning">Rounds</Go>}>
          <Learning />
        </Panel>
        <Panel title="Alerts that name an attack, 24 hours" className="w8">
          <Day />
        </Panel>
        <Panel title="What was done" className="w4">
          <Activities />
        </Panel>
      </div>
    </Page>
  );
}

/** One line that answers "is something burning?", and the four figures behind it. */
function Attention() {
  const stats = useQuery({ queryKey: ['alert-stats'], queryFn: () => must(api.GET('/api/alerts/stats')) });
  const critical = useQuery({ queryKey: ['alert-stats', 'critical'], queryFn: () => must(api.GET('/api/alerts', { params: { query: { severity: 'critical', status: 'new', limit: 1 } } })) });
  const open = useQuery({ queryKey: ['alert-stats', 'open'], queryFn: async () => Promise.all(SEVERITIES.map((severity) => must(api.GET('/api/alerts', { params: { query: { severity, status: 'new,acknowledged', limit: 1 } } })))) });
  return (
    <Shown query={stats} lines={2}>
      {(data) => {
        const burning = critical.data?.total ?? 0;
        const fresh = data.by_status['new'] ?? 0;
        return (
          <section className={`attention ${burning ? 'bad' : fresh ? 'some' : 'calm'}`} aria-label="State">
            <div>
              <p className="say">{burning ? `${plural(burning, 'critical alert')} that nobody has looked at` : fresh ? `Nothing critical is waiting; ${plural(fresh, 'new alert')}` : 'Nothing is waiting'}</p>
              <p className="dim">
                {count(data.unresolved)} open of {count(data.total)} kept · as of <Moment at={data.as_of} />
              </p>
            </div>
            <ul className="tiles">
              {SEVERITIES.map((one, nth) => (
                <li key={one}>
                  <Go to="/alerts" search={{ severity: one }} className={`tile is-${one}`}>
                    <b className="num">{open.data ? `${open.data[nth]?.total_relation === 'at_least' ? '≥' : ''}${short(open.data[nth]?.total)}` : '–'}</b>
                    <SeverityMark of={one} />
                  </Go>
                </li>
              ))}
            </ul>
          </section>
        );
      }}
    </Shown>
  );
}

function Urgent() {
  const now = useNow();
  const found = useQuery({
    queryKey: ['alert-stats', 'urgent'],
    queryFn: () => must(api.GET('/api/alerts', { params: { query: { status: 'new', severity: 'gte:high', limit: 7 } } })),
  });
  return (
    <Shown query={found} empty={(data) => data.alerts.length === 0 && <Empty icon="check" title="Nothing needs you">No new alert of high or critical severity.</Empty>}>
      {(data) => (
        <ul className="urgent">
          {data.alerts.toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity)).map((one) => (
            <li key={one.id}>
              <SeverityMark of={one.severity} />
              <Go to={`/alerts/${one.id}`} className="cut">
                {one.title}
              </Go>
              <span className="dim small cut">{one.facility_id}</span>
              <span className="dim small nowrap num">{ago(parse(one.last_seen), now)}</span>
            </li>
          ))}
        </ul>
      )}
    </Shown>
  );
}

function Plants() {
  const plants = useQuery({ queryKey: ['facilities'], queryFn: () => must(api.GET('/api/facilities')), refetchInterval: 30_000 });
  const overview = useQuery({ queryKey: ['overview'], queryFn: () => must(api.GET('/api/analytics/overview', { params: { query: { range: '24h' } } })), refetchInterval: 60_000 });
  const of = new Map(overview.data?.top_facilities.map((one) => [one.facility_id, one]));
  return (
    <Shown query={plants} empty={(data) => data.facilities.length === 0 && <Empty icon="facilities" title="No plant yet">Enrol an agent: <code>fieldward-agent enroll</code> with a token from <code>fieldward-aggregator ca token</code>.</Empty>}>
      {(data) => (
        <div className="scroll-x inset" tabIndex={0} role="region" aria-label="Plants">
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">Plant</th>
                <th scope="col">State</th>
                <th scope="col">Heard</th>
                <th scope="col" className="right">Agents</th>
                <th scope="col" className="right">Open, 24 h</th>
                <th scope="col" className="right">Critical</th>
              </tr>
            </thead>
            <tbody>
              {data.facilities.map((one) => (
                <tr key={one.id}>
                  <td>
                    <Go to={`/facilities/${one.id}`}>{one.name}</Go>
                  </td>
                  <td>
                    <Presence of={one.status} />
                  </td>
                  <td>
                    <Ago at={one.last_seen} />
                  </td>
                  <td className="right num">
                    {one.connected} of {one.agents}
                  </td>
                  <td className="right num">
                    <Go to="/alerts" search={{ facility: one.id, range: '24h' }}>
                      {count(of.get(one.id)?.unresolved ?? 0)}
                    </Go>
                  </td>
                  <td className="right num">{count(of.get(one.id)?.critical ?? 0)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Shown>
  );
}

function Learning() {
  const round = useQuery({ queryKey: ['fl', 'current'], queryFn: () => maybe(api.GET('/api/fl/rounds/current')), refetchInterval: 20_000 });
  const privacy = useQuery({ queryKey: ['fl', 'privacy'], queryFn: () => must(api.GET('/api/fl/privacy-metrics')) });
  return (
    <Shown query={round}>
      {(data) => (
        <div className="stack">
          {data ? (
            <>
              <p>
                <b>Round {data.round_number}</b> of {data.network}: {data.status === 'in-progress' ? data.phase : data.status} · {data.clients_active} of {plural(data.total_clients, 'plant')}
              </p>
              <div className="meter" role="progressbar" aria-label="Progress of the round" aria-valuenow={data.progress} aria-valuemin={0} aria-valuemax={100}>
                <i style={{ width: `${data.progress}%` }} />
              </div>
              {data.reason && <p className="small dim">{data.reason}</p>}
            </>
          ) : (
            <p className="dim">No round has run yet. The plants learn each for itself until one does.</p>
          )}
          <dl className="facts">
            <dt>Privacy spent</dt>
            <dd>{privacy.data?.epsilon == null ? (privacy.data?.unknown['epsilon'] ?? '–') : `ε ${privacy.data.epsilon.toFixed(2)}`}</dd>
            <dt>Rounds left</dt>
            <dd>{privacy.data?.rounds_left == null ? 'not known yet' : count(privacy.data.rounds_left)}</dd>
            <dt>Accuracy</dt>
            <dd>{data?.model_accuracy == null ? 'not known yet' : percent(data.model_accuracy, 1)}</dd>
          </dl>
        </div>
      )}
    </Shown>
  );
}

function Day() {
  const navigate = useNavigate();
  const chart = useQuery({ queryKey: ['charts', 'day'], queryFn: () => must(api.GET('/api/charts/threats', { params: { query: { range: '24h' } } })), refetchInterval: 60_000 });
  return (
    <Shown query={chart} lines={6}>
      {(data) => {
        const step = 30 * 60_000;
        const series = [...SEVERITIES].reverse().map((severity) => ({
          name: severity,
          tone: `is-${severity}`,
          points: rebinned(data.points.map((one) => [parse(one.timestamp), one[severity]] as const), step),
        }));
        return (
          <Chart
            label="Alerts in half hours, by severity"
            kind="bars"
            stepMs={step}
            series={series}
            write={(value) => short(value)}
            onPick={(at) => void navigate({ to: '/alerts', search: { tab: 'all', since: iso(at), until: iso(at + step) } as never })}
          />
        );
      }}
    </Shown>
  );
}

function Activities() {
  const acts = useQuery({ queryKey: ['activities'], queryFn: () => must(api.GET('/api/activities/recent', { params: { query: { limit: 8 } } })) });
  return (
    <Shown query={acts} empty={(data) => data.activities.length === 0 && <p className="dim">Nobody has done anything with alerts yet.</p>}>
      {(data) => (
        <ul className="acts-list">
          {data.activities.map((one, nth) => (
            <li key={nth}>
              <p className="row">
                <b>{one.actor}</b> <StatusMark of={one.to} />
                <span className="dim small">
                  <Ago at={one.timestamp} />
                </span>
              </p>
              <Go to={`/alerts/${one.alert_id}`} className="small">
                {one.facility_id}
                {one.reason ? `: ${one.reason}` : ', an alert'}
              </Go>
            </li>
          ))}
        </ul>
      )}
    </Shown>
  );
}

