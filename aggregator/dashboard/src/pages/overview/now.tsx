// Rates of this moment, and of the last minutes as this page saw them.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api, must, type Schemas } from '../../api/client';
import { bytes, count, milliseconds, percent, short } from '../../lib/format';
import { parse } from '../../lib/time';
import { slid } from '../../lib/series';
import { Chart } from '../../components/chart';
import { Shown } from '../../components/shown';

type Point = readonly [number, number | null];

export function NowPanel() {
  const rates = useQuery({ queryKey: ['realtime'], queryFn: () => must(api.GET('/api/metrics/realtime')), refetchInterval: 2000, refetchIntervalInBackground: false });
  const past = useQuery({ queryKey: ['historical', '15m'], queryFn: () => must(api.GET('/api/metrics/historical', { params: { query: { range: '15m' } } })), staleTime: 300_000 });
  const [seen, setSeen] = useState<Point[]>([]);
  useEffect(() => {
    const { data } = rates;
    if (data) setSeen((was) => slid(was, [parse(data.timestamp), data.packets_per_sec ?? null] as const, 240));
  }, [rates]);
  const before: Point[] = (past.data?.points ?? []).map((one) => [parse(one.timestamp), one.packets_per_sec] as const);
  const first = seen[0]?.[0] ?? Infinity;
  const points = [...before.filter(([at]) => at < first), ...seen];
  return (
    <Shown query={rates} lines={6}>
      {(data) => (
        <div className="stack">
          <dl className="figures">
            <Figure name="Packets a second" value={short(data.packets_per_sec)} why={data.unknown['packets_per_sec']} />
            <Figure name="Alerts a minute" value={short(data.alerts_per_minute)} isFlood={data.alerts_per_minute > 10} />
            <Figure name="Agents" value={data.agents_known === 0 ? 'none yet' : `${count(data.agents_connected)} of ${count(data.agents_known)}`} />
            <Figure name="Traffic" value={data.bytes_per_sec == null ? '–' : `${bytes(data.bytes_per_sec)}/s`} why={data.unknown['bytes_per_sec']} />
          </dl>
          {points.some(([, value]) => value !== null) && <Chart label="Packets a second" height={110} series={[{ name: 'packets/s', tone: 's1', points }]} write={(value) => short(value)} />}
          <p className="small dim">{health(data)}</p>
        </div>
      )}
    </Shown>
  );
}

function health({ api, cpu_percent: cpu, memory_bytes: memory }: Schemas['Realtime']): string {
  return `Aggregator: half of the answers within ${milliseconds(api.response_time_p50_ms)}, processor ${cpu == null ? '–' : percent(cpu / 100)}, memory ${bytes(memory)}.`;
}

function Figure({ name, value, why, isFlood = false }: { name: string; value: string; why?: string; isFlood?: boolean }) {
  return (
    <div title={why}>
      <dt>{name}</dt>
      <dd className={`num ${isFlood ? 'is-high' : ''}`}>
        {value}
        {isFlood && <span className="small"> more than one person can look at</span>}
      </dd>
    </div>
  );
}
