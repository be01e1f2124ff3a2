// All plants: which are heard, which see all their traffic, where something is open.
import { useQuery } from '@tanstack/react-query';
import { api, must, type Schemas } from '../../api/client';
import { count, percent, plural } from '../../lib/format';
import { Go } from '../../components/go';
import { Ago, Presence } from '../../components/marks';
import { Empty, Page, Shown } from '../../components/shown';

export default function Facilities() {
  const plants = useQuery({ queryKey: ['facilities'], queryFn: () => must(api.GET('/api/facilities')), refetchInterval: 15_000 });
  const agents = useQuery({ queryKey: ['fleet'], queryFn: () => must(api.GET('/api/fleet/agents')), refetchInterval: 15_000 });
  const summary = useQuery({ queryKey: ['summary', '7d'], queryFn: () => must(api.GET('/api/analytics/summary', { params: { query: { range: '7d' } } })) });
  const alerts = new Map(summary.data?.by_facility.map((one) => [one.facility_id, one]));
  return (
    <Page title="Facilities">
      <Shown
        query={plants}
        lines={8}
        empty={(data) =>
          data.facilities.length === 0 && (
            <Empty icon="facilities" title="No plant yet">
              A plant appears when its agent enrols: make a token with <code>fieldward-aggregator ca token</code>, and give it to <code>fieldward-agent enroll</code> at the plant.
            </Empty>
          )
        }
      >
        {(data) => (
          <div className="plants">
            {data.facilities.map((one) => (
              <Plant key={one.id} plant={one} agents={agents.data?.agents.filter((agent) => agent.facility_id === one.id) ?? []} alerts={alerts.get(one.id)} />
            ))}
          </div>
        )}
      </Shown>
    </Page>
  );
}

interface Props {
  plant: Schemas['FacilityBody'];
  agents: Schemas['AgentBody'][];
  alerts?: Schemas['FacilityAlerts'];
}

function Plant({ plant, agents, alerts }: Props) {
  const lost = Math.max(0, ...agents.map((one) => one.health?.capture_loss ?? 0));
  const isKnown = agents.some((one) => one.health);
  return (
    <Go to={`/facilities/${plant.id}`} className="plant">
      <div className="row">
        <h2>{plant.name}</h2>
        <Presence of={plant.status} />
      </div>
      <dl className="facts">
        <dt>Heard</dt>
        <dd>
          <Ago at={plant.last_seen} />
        </dd>
        <dt>Agents</dt>
        <dd>
          {plant.connected} of {plural(plant.agents, 'agent')} connected
        </dd>
        <dt>Capture</dt>
        <dd className={lost > 0.001 ? 'is-high' : ''}>{isKnown ? (lost > 0 ? `${percent(lost, 2)} lost` : 'complete') : 'not known now'}</dd>
        <dt>Alerts, 7 days</dt>
        <dd>
          {alerts ? (
            <>
              {count(alerts.count)}, {count(alerts.unresolved)} open{alerts.critical > 0 && <b className="is-critical">, {count(alerts.critical)} critical</b>}
            </>
          ) : (
            'none'
          )}
        </dd>
      </dl>
    </Go>
  );
}
