// One plant: its agents and what they capture, who talks to whom, which assets, what has changed since it was learnt.
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { api, must, type Schemas } from '../../api/client';
import { bytes, count, few, percent, plural, short, words } from '../../lib/format';
import { talk } from '../../lib/talk';
import { parse } from '../../lib/time';
import { BarList, Chart } from '../../components/chart';
import { Go } from '../../components/go';
import { Ago, Moment, Presence, SeverityMark } from '../../components/marks';
import { Empty, Page, Panel, Shown } from '../../components/shown';
import { useId_ } from '../../app/router';
import { TalkMap } from './map';

export default function Facility() {
  const id = useId_();
  const plants = useQuery({ queryKey: ['facilities'], queryFn: () => must(api.GET('/api/facilities')), refetchInterval: 15_000 });
  const plant = plants.data?.facilities.find((one) => one.id === id);
  const alerts = useQuery({ queryKey: ['map', id], queryFn: () => must(api.GET('/api/alerts', { params: { query: { facility: id, range: '7d', limit: 500 } } })) });
  const found = useMemo(() => talk(alerts.data?.alerts ?? []), [alerts.data]);
  const none = (data: Schemas['AlertPage']) => data.alerts.length === 0 && <Empty icon="check" title="Nothing stood out in 7 days">Raw traffic stays at the plant. What leaves it are counts, and who took part in alerts.</Empty>;
  if (plants.data && !plant) {
    return (
      <Page title={id}>
        <Empty icon="facilities" title="There is no such plant">
          Or it is out of your scope. <Go to="/facilities">All plants</Go>
        </Empty>
      </Page>
    );
  }
  return (
    <Page
      title={plant?.name ?? id}
      actions={
        <>
          {plant && <Presence of={plant.status} />}
          <Go to="/alerts" search={{ facility: id }} className="button">
            Its alerts
          </Go>
        </>
      }
    >
      <div className="grid">
        <Panel title="Agents and capture" className="w12" flush>
          <Agents id={id} />
        </Panel>
        <Panel title="Traffic, 24 hours" className="w8">
          <Traffic id={id} />
        </Panel>
        <Panel title="The last minute" className="w4">
          <Minute id={id} />
        </Panel>
        <Panel title="Who talks to whom" className="w8" note={alerts.data && `in the latest ${plural(alerts.data.alerts.length, 'alert')} of 7 days`}>
          <Shown query={alerts} lines={8} empty={none}>
            {() => <TalkMap nodes={found.nodes} edges={found.edges} facility={id} />}
          </Shown>
        </Panel>
        <Panel title="Protocols" className="w4">
          <Shown query={alerts} empty={none}>
            {(data) => <BarList items={counted(data.alerts.map((one) => one.protocol)).map(([name, value]) => ({ key: name, name, value }))} write={(value) => plural(value, 'alert')} />}
          </Shown>
        </Panel>
        <Panel title="Assets in alerts" className="w7" flush>
          <Shown query={alerts} empty={none}>
            {() => <Assets nodes={found.nodes} facility={id} />}
          </Shown>
        </Panel>
        <Panel title="Differences from what was learnt" className="w5">
          <Differences id={id} />
        </Panel>
      </div>
    </Page>
  );
}

function counted(names: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).slice(0, 10);
}

function Agents({ id }: { id: string }) {
  const fleet = useQuery({ queryKey: ['fleet'], queryFn: () => must(api.GET('/api/fleet/agents')), refetchInterval: 10_000 });
  return (
    <Shown query={fleet} empty={(data) => !data.agents.some((one) => one.facility_id === id) && <Empty title="No agent is enrolled here" />}>
      {(data) => (
        <div className="scroll-x inset" tabIndex={0} role="region" aria-label="Agents">
          <table className="plain">
            <thead>
              <tr>
                {['Agent', 'State', 'Heard', 'Version', 'Capture lost', 'Not decoded', 'Waiting to be sent', 'Clock', 'Processor', 'Models'].map((one) => (
                  <th key={one} scope="col">
                    {one}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.agents
                .filter((one) => one.facility_id === id)
                .map((one) => (
                  <Agent key={one.id} agent={one} />
                ))}
            </tbody>
          </table>
        </div>
      )}
    </Shown>
  );
}

function Agent({ agent }: { agent: Schemas['AgentBody'] }) {
  const { health } = agent;
  return (
    <tr>
      <td>
        <code title={agent.id}>{agent.id.slice(0, 8)}</code>
        {agent.transport && <span className="dim"> by {agent.transport}</span>}
      </td>
      <td>
        <Presence of={agent.status} />
      </td>
      <td>
        <Ago at={agent.last_seen} />
      </td>
      <td>{agent.version ?? '–'}</td>
      <td className={`num ${(health?.capture_loss ?? 0) > 0.001 ? 'is-high' : ''}`}>{health ? `${percent(health.capture_loss, 2)} · ${count(health.kernel_drops)} frames` : '–'}</td>
      <td className="num">{health ? plural(health.seconds_dropped, 'second') : '–'}</td>
      <td className="num">{health ? `${count(health.spool_records)} · ${bytes(health.spool_bytes)}${health.memory_only ? ', in memory alone' : ''}` : '–'}</td>
      <td className="num">{agent.clock_offset_ms == null ? '–' : `${agent.clock_offset_ms > 0 ? '+' : ''}${count(agent.clock_offset_ms)} ms`}</td>
      <td className="num">{health ? percent(health.cpu_percent / 100) : '–'}</td>
      <td>{health ? few(health.models, 3) : '–'}</td>
    </tr>
  );
}

function Traffic({ id }: { id: string }) {
  const past = useQuery({ queryKey: ['historical', id], queryFn: () => must(api.GET('/api/metrics/historical', { params: { query: { range: '24h', facility: id } } })), refetchInterval: 60_000 });
  return (
    <Shown query={past} lines={6} empty={(data) => data.points.length === 0 && <Empty title="No traffic was told of in 24 hours" />}>
      {(data) => (
        <div className="stack">
          <Chart
            label="Packets a second"
            series={[
              { name: 'packets/s, busiest second', tone: 's3', points: data.points.map((one) => [parse(one.timestamp), one.most_packets_per_sec] as const) },
              { name: 'packets/s, in the mean', tone: 's1', points: data.points.map((one) => [parse(one.timestamp), one.packets_per_sec] as const) },
            ]}
            write={(value) => short(value)}
          />
          <Chart label="Connections that failed" height={100} kind="bars" stepMs={data.resolution_seconds * 1000} series={[{ name: 'failed', tone: 's6', points: data.points.map((one) => [parse(one.timestamp), one.failed_connections] as const) }]} write={(value) => short(value)} />
        </div>
      )}
    </Shown>
  );
}

function Minute({ id }: { id: string }) {
  const current = useQuery({
    queryKey: ['context', id],
    queryFn: () => must(api.GET('/api/context/{facility_id}/current', { params: { path: { facility_id: id } } })),
    refetchInterval: (query) => (query.state.error ? 30_000 : 5000),
    retry: false,
  });
  return (
    <Shown query={current} lines={5}>
      {(data) => (
        <div className="stack">
          {data.metrics && (
            <dl className="facts">
              <dt>Packets a second</dt>
              <dd className="num">{short(data.metrics.packets_per_sec)}</dd>
              <dt>Bytes a second</dt>
              <dd className="num">{bytes(data.metrics.bytes_per_sec)}</dd>
              <dt>Addresses</dt>
              <dd className="num">
                {data.metrics.unique_src_ips} ask, {data.metrics.unique_dest_ips} answer
              </dd>
              <dt>Failed connections</dt>
              <dd className="num">{count(data.metrics.failed_connections)}</dd>
            </dl>
          )}
          <Chart label="Packets in each second" height={110} series={[{ name: 'packets/s', tone: 's1', points: data.seconds.map((one) => [parse(one.time), one.packets_per_sec] as const) }]} write={(value) => short(value)} />
          <p className="small dim">{Object.entries(data.features).map(([group, of]) => `${words(group)}: ${plural(Object.keys(of).length, 'feature')}`).join(' · ')}</p>
        </div>
      )}
    </Shown>
  );
}

function Assets({ nodes, facility }: { nodes: ReturnType<typeof talk>['nodes']; facility: string }) {
  return (
    <div className="twin-body inset" tabIndex={0} role="region" aria-label="Assets">
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">Address</th>
            <th scope="col">Part</th>
            <th scope="col">Protocols</th>
            <th scope="col">Worst</th>
            <th scope="col" className="right">
              Alerts
            </th>
            <th scope="col">Last</th>
          </tr>
        </thead>
        <tbody>
          {nodes.slice(0, 200).map((one) => (
            <tr key={one.id}>
              <td className="mono">
                <Go to="/alerts" search={{ facility, search: one.id, tab: 'all' }}>
                  {one.id}
                </Go>
              </td>
              <td>{one.asks && one.answers ? 'asks and answers' : one.asks ? 'asks' : 'answers'}</td>
              <td>{few([...one.protocols])}</td>
              <td>
                <SeverityMark of={one.worst} />
              </td>
              <td className="right num">{count(one.alerts)}</td>
              <td>
                <Moment at={one.last} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Differences({ id }: { id: string }) {
  const drift = useQuery({ queryKey: ['models', 'drift'], queryFn: () => must(api.GET('/api/drift')), refetchInterval: 60_000 });
  return (
    <Shown query={drift} empty={(data) => !data.agents.some((one) => one.facility_id === id) && <Empty title="Not known now">An agent tells it while it is connected.</Empty>}>
      {(data) => (
        <ul className="stack">
          {data.agents
            .filter((one) => one.facility_id === id)
            .map((one) => (
              <li key={one.agent_id} className="stack">
                <p>
                  <b>{one.status ? words(one.status) : 'As learnt'}</b> <span className="dim">agent {one.agent_id.slice(0, 8)}</span>
                </p>
                {one.features.length > 0 ? (
                  <BarList most={Math.max(data.moved_above * 2, ...one.features.map((moved) => moved.index))} items={one.features.slice(0, 12).map((moved) => ({ key: moved.feature, name: moved.feature, value: moved.index, tone: moved.status === 'moved' ? 'is-high' : 's1' }))} write={(value) => value.toFixed(2)} />
                ) : (
                  <p className="dim">Nothing has moved: the traffic is as it was learnt.</p>
                )}
              </li>
            ))}
          <li className="small dim">Population stability index: above {data.moving_above} it moves, above {data.moved_above} it has moved.</li>
        </ul>
      )}
    </Shown>
  );
}
