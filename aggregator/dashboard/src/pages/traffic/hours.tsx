// Day by hour: when alerts come. Shifts, maintenance windows and nights show here.
import { useQuery } from '@tanstack/react-query';
import { api, must } from '../../api/client';
import { count } from '../../lib/format';
import { usePrefs } from '../../lib/prefs';
import { day, parse } from '../../lib/time';
import { Twin } from '../../components/chart';
import { Empty, Shown } from '../../components/shown';

export function Hours({ facility }: { facility?: string }) {
  const { zone } = usePrefs();
  const chart = useQuery({ queryKey: ['charts', 'hours', facility ?? ''], queryFn: () => must(api.GET('/api/charts/threats', { params: { query: { range: '7d', facility } } })) });
  return (
    <Shown query={chart} lines={7} empty={(data) => data.points.every((one) => one.total === 0) && <Empty title="No threat in 7 days" />}>
      {(data) => {
        const days = new Map<string, number[]>();
        for (const one of data.points) {
          const at = parse(one.timestamp);
          const date = new Date(at);
          const hour = zone === 'utc' ? date.getUTCHours() : date.getHours();
          const name = day(at, zone);
          const hours = days.get(name) ?? Array.from({ length: 24 }, () => 0);
          hours[hour] = (hours[hour] ?? 0) + one.total;
          days.set(name, hours);
        }
        const most = Math.max(1, ...[...days.values()].flat());
        const rows = [...days];
        return (
          <figure className="chart">
            <svg className="heatmap" viewBox={`0 0 ${44 + 24 * 16} ${rows.length * 18 + 18}`} role="img" aria-label={`Threats by day and hour; at most ${most} in an hour`}>
              {rows.map(([name, hours], row) => (
                <g key={name} transform={`translate(0 ${row * 18})`}>
                  <text x={38} y={12} textAnchor="end">
                    {name}
                  </text>
                  {hours.map((value, hour) => (
                    <rect key={hour} x={44 + hour * 16} width={14.5} height={16} rx={2} className={value ? 'on' : ''} fillOpacity={value ? 0.18 + 0.82 * (Math.log1p(value) / Math.log1p(most)) : 1}>
                      <title>{`${name} ${hour}:00: ${count(value)}`}</title>
                    </rect>
                  ))}
                </g>
              ))}
              {[0, 6, 12, 18].map((hour) => (
                <text key={hour} x={44 + hour * 16} y={rows.length * 18 + 12}>
                  {String(hour).padStart(2, '0')}:00
                </text>
              ))}
            </svg>
            <figcaption className="legend">
              <span>Threats by day and hour, in {zone === 'utc' ? 'UTC' : 'local time'}; at most {count(most)}.</span>
              <Twin label="Threats by day and hour">
                <table className="plain">
                  <tbody>
                    {rows.map(([name, hours]) => (
                      <tr key={name}>
                        <th scope="row">{name}</th>
                        {hours.map((value, hour) => (
                          <td key={hour} className="num">
                            {value || '·'}
                          </td>
                        ))}
                      </tr>
                    ))}
                  </tbody>
                </table>
              </Twin>
            </figcaption>
          </figure>
        );
      }}
    </Shown>
  );
}
