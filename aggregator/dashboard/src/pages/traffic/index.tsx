// What flows, and what attacks: packets, protocols, web requests, threats by type; one range for all of it.
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api, must } from '../../api/client';
import { bytes, count, milliseconds, percent, plural, short, words } from '../../lib/format';
import { rebinned } from '../../lib/series';
import { iso, parse, rangeMs } from '../../lib/time';
import { BarList, Chart } from '../../components/chart';
import { Go } from '../../components/go';
import { Moment, SEVERITIES, SeverityMark } from '../../components/marks';
import { Empty, Page, Panel, Shown } from '../../components/shown';
import { useSearchState } from '../../app/router';
import { Hours } from './hours';

const RANGES = ['1h', '24h', '7d', '30d'];

export default function Traffic() {
  const [search, set] = useSearchState();
  const range = search['range'] ?? '24h';
  const { facility } = search;
  const plants = useQuery({ queryKey: ['facilities'], queryFn: () => must(api.GET('/api/facilities')), staleTime: 60_000 });
  return (
    <Page
      title="Traffic and threats"
      actions={
        <>
          <label className="row">
            <span className="hidden">Plant</span>
            <select className="input" value={facility ?? ''} onChange={(event) => set({ facility: event.target.value })}>
              <option value="">All plants</option>
              {(plants.data?.facilities ?? []).map((one) => (
                <option key={one.id} value={one.id}>
                  {one.name}
                </option>
              ))}
            </select>
          </label>
          <div className="segments" role="group" aria-label="Time">
            {RANGES.map((one) => (
              <button key={one} aria-pressed={range === one} onClick={() => set({ range: one })}>
                {one}
              </button>
            ))}
          </div>
        </>
      }
    >
      <div className="grid">
        <Panel title="Traffic" className="w8">
          <Flow range={range} facility={facility} />
        </Panel>
        <Panel title="Totals" className="w4">
          <Totals range={range} facility={facility} />
        </Panel>
        <Panel title="Threats" className="w8">
          <Threats range={range} facility={facility} />
        </Panel>
        <Panel title="By type" className="w4">
          <Types range={range} facility={facility} />
        </Panel>
        <Panel title="When alerts come" className="w6">
          <Hours facility={facility} />
        </Panel>
        <Panel title="Trend" className="w6">
          <Trend range={range} facility={facility} />
        </Panel>
        <Panel title="Web requests at the plants" className="w7" flush>
          <Web range={range} facility={facility} />
        </Panel>
        <Panel title="Latest threats" className="w5" flush>
          <Latest facility={facility} />
        </Panel>
        <Panel title="How fast this aggregator answers" className="w12">
          <Answers range={range} />
        </Panel>
      </div>
    </Page>
  );
}

interface Of {
  range: string;
  facility?: string;
}

function Flow({ range, facility }: Of) {
  const chart = useQuery({ queryKey: ['requests', range, facility ?? ''], queryFn: () => must(api.GET('/api/charts/requests', { params: { query: { range, facility } } })), refetchInterval: 60_000 });
  return (
    <Shown query={chart} lines={7} empty={(data) => data.points.length === 0 && <Empty title="No traffic was told of in this time" />}>
      {(data) => {
        const seconds = data.resolution_seconds;
        const isWeb = data.points.some((one) => one.requests != null);
        return (
          <div className="stack">
            <Chart label="Packets a second" series={[{ name: 'packets/s', tone: 's1', points: data.points.map((one) => [parse(one.timestamp), one.packets / seconds] as const) }]} write={(value) => short(value)} />
            <Chart
              label="Failed connections and web errors"
              height={100}
              kind="bars"
              stepMs={seconds * 1000}
              series={[
                { name: 'failed connections', tone: 's6', points: data.points.map((one) => [parse(one.timestamp), one.failed_connections] as const) },
                ...(isWeb ? [{ name: 'web errors', tone: 's3', points: data.points.map((one) => [parse(one.timestamp), one.errors ?? 0] as const) }] : []),
              ]}
              write={(value) => short(value)}
            />
          </div>
        );
      }}
    </Shown>
  );
}

function Totals({ range, facility }: Of) {
  const overview = useQuery({ queryKey: ['overview', range, facility ?? ''], queryFn: () => must(api.GET('/api/analytics/overview', { params: { query: { range, facility } } })) });
  const change = (value?: number | null) => (value == null ? '' : `${value > 0 ? '+' : ''}${value.toFixed(0)} % to before`);
  return (
    <Shown query={overview} lines={7}>
      {(data) => (
        <dl className="figures">
          {[
            ['Packets', short(data.traffic.packets), ''],
            ['Bytes', bytes(data.traffic.bytes), ''],
            ['Failed connections', short(data.traffic.failed_connections), ''],
            ['Web requests', data.traffic.requests == null ? '–' : short(data.traffic.requests), data.traffic.requests == null ? 'no agent counts them' : ''],
            ['Alerts', count(data.alerts.total), change(data.alerts.change_percent)],
            ['Threats', count(data.threats.total), change(data.threats.change_percent)],
            ['Critical', count(data.critical.total), change(data.critical.change_percent)],
            ['False positives', percent(data.response.false_positive_rate), data.response.closed ? `of ${plural(data.response.closed, 'closed alert')}` : 'nothing was closed'],
          ].map(([name, value, note]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd className="num">
                {value} <span className="small dim">{note}</span>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </Shown>
  );
}

function Threats({ range, facility }: Of) {
  const navigate = useNavigate();
  const chart = useQuery({ queryKey: ['charts', 'threats', range, facility ?? ''], queryFn: () => must(api.GET('/api/charts/threats', { params: { query: { range, facility } } })), refetchInterval: 60_000 });
  return (
    <Shown query={chart} lines={6} empty={(data) => data.points.length === 0 && <Empty title="No threat in this time" />}>
      {(data) => {
        const step = Math.max(data.resolution_seconds * 1000, rangeMs(range) / 60);
        return (
          <Chart
            label="Threats by severity"
            kind="bars"
            stepMs={step}
            series={[...SEVERITIES].reverse().map((severity) => ({ name: severity, tone: `is-${severity}`, points: rebinned(data.points.map((one) => [parse(one.timestamp), one[severity]] as const), step) }))}
            write={(value) => short(value)}
            onPick={(at) => void navigate({ to: '/alerts', search: { tab: 'all', since: iso(at), until: iso(at + step), ...(facility ? { facility } : {}) } as never })}
          />
        );
      }}
    </Shown>
  );
}

function Types({ range, facility }: Of) {
  const stats = useQuery({ queryKey: ['threats', 'stats', range, facility ?? ''], queryFn: () => must(api.GET('/api/threats/stats', { params: { query: { range, facility } } })) });
  return (
    <Shown query={stats} lines={6} empty={(data) => data.by_type.length === 0 && <Empty title="No threat in this time" />}>
      {(data) => (
        <BarList
          write={count}
          items={data.by_type.slice(0, 10).map((one) => ({
            key: one.type,
            value: one.count,
            tone: one.critical > 0 ? 'is-critical' : 's1',
            name: /^T\d{4}/.test(one.type) ? (
              <Go to="/alerts" search={{ technique: one.type, range, facility, tab: 'all' }}>
                {one.type}
              </Go>
            ) : (
              words(one.type)
            ),
          }))}
        />
      )}
    </Shown>
  );
}

const METRICS = ['alerts', 'critical_alerts', 'threats', 'packets', 'bytes', 'failed_connections', 'requests', 'acknowledged', 'resolved', 'time_to_acknowledge', 'time_to_resolve'];

function Trend({ range, facility }: Of) {
  const [metric, setMetric] = useState('alerts');
  const trend = useQuery({ queryKey: ['trend', metric, range, facility ?? ''], queryFn: () => must(api.GET('/api/analytics/trends/{metric}', { params: { path: { metric }, query: { range, facility } } })) });
  const write = (value: number | null) => (metric.startsWith('time_') ? (value === null ? '–' : `${short(value)} s`) : short(value));
  return (
    <div className="stack">
      <select className="input" aria-label="Figure" value={metric} onChange={(event) => setMetric(event.target.value)}>
        {METRICS.map((one) => (
          <option key={one} value={one}>
            {words(one)}
          </option>
        ))}
      </select>
      <Shown query={trend} lines={6} empty={(data) => data.points.length === 0 && <Empty title="Nothing in this time" />}>
        {(data) => <Chart label={words(metric)} series={[{ name: words(metric), tone: 's4', points: data.points.map((one) => [parse(one.timestamp), one.value ?? null] as const) }]} write={write} />}
      </Shown>
    </div>
  );
}

function Web({ range, facility }: Of) {
  const found = useQuery({ queryKey: ['endpoints', range, facility ?? ''], queryFn: () => must(api.GET('/api/traffic/endpoints', { params: { query: { range, facility, limit: 12 } } })) });
  return (
    <Shown query={found} empty={(data) => data.endpoints.length === 0 && <Empty title="No web requests were told of">Agents count them where they decode HTTP.</Empty>}>
      {(data) => (
        <div className="scroll-x inset" tabIndex={0} role="region" aria-label="Endpoints">
          <table className="plain">
            <thead>
              <tr>
                {['Method', 'Endpoint', 'Requests', 'Errors', 'Mean', 'Longest'].map((one) => (
                  <th key={one} scope="col">
                    {one}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.endpoints.map((one) => (
                <tr key={one.method + one.endpoint}>
                  <td>{one.method}</td>
                  <td className="mono break">{one.endpoint}</td>
                  <td className="num">{count(one.requests)}</td>
                  <td className="num">{percent(one.error_rate)}</td>
                  <td className="num">{milliseconds(one.response_time_mean_ms)}</td>
                  <td className="num">{milliseconds(one.response_time_max_ms)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Shown>
  );
}

function Latest({ facility }: { facility?: string }) {
  const found = useQuery({ queryKey: ['threats', 'recent', facility ?? ''], queryFn: () => must(api.GET('/api/threats/recent', { params: { query: { facility, limit: 10 } } })) });
  return (
    <Shown query={found} empty={(data) => data.threats.length === 0 && <Empty icon="check" title="No threat yet" />}>
      {(data) => (
        <ul className="urgent three">
          {data.threats.map((one) => (
            <li key={one.id}>
              <SeverityMark of={one.severity} />
              <Go to={`/alerts/${one.id}`} className="cut">
                {one.web_attacks.length ? `${one.web_attacks.join(', ')}: ` : ''}
                {one.title}
              </Go>
              <Moment at={one.timestamp} />
            </li>
          ))}
        </ul>
      )}
    </Shown>
  );
}

function Answers({ range }: { range: string }) {
  const chart = useQuery({ queryKey: ['performance', range], queryFn: () => must(api.GET('/api/charts/performance', { params: { query: { range } } })), refetchInterval: 60_000 });
  return (
    <Shown query={chart} lines={4} empty={(data) => data.points.length === 0 && <Empty title="Nothing was measured in this time" />}>
      {(data) => (
        <Chart
          label="Time to answer"
          height={130}
          series={[
            { name: '99 of 100 within', tone: 's6', points: data.points.map((one) => [parse(one.timestamp), one.response_time_p99_ms ?? null] as const) },
            { name: 'half within', tone: 's1', points: data.points.map((one) => [parse(one.timestamp), one.response_time_p50_ms ?? null] as const) },
          ]}
          write={milliseconds}
        />
      )}
    </Shown>
  );
}
