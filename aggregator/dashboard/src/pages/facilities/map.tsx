// The map: who asks stands left, who answers right, who does both between; networks are boxes.
import { useNavigate } from '@tanstack/react-router';
import { now } from '../../lib/clock';
import { count, few, plural } from '../../lib/format';
import { compareAddresses, type Edge, type Node, zoneOf } from '../../lib/talk';
import { parse } from '../../lib/time';
import { Twin, useWidth } from '../../components/chart';
import { SeverityMark } from '../../components/marks';

const [WIDE, HIGH, GAP, HEAD] = [150, 34, 8, 24];
const MOST = 36;

export function TalkMap({ nodes, edges, facility }: { nodes: readonly Node[]; edges: readonly Edge[]; facility: string }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const navigate = useNavigate();
  const shown = nodes.slice(0, MOST);
  const names = new Set(shown.map((one) => one.id));
  const columns = [shown.filter((one) => one.asks && !one.answers), shown.filter((one) => one.asks && one.answers), shown.filter((one) => !one.asks)].filter((one) => one.length > 0);
  const inner = Math.max(width - 4, columns.length * (WIDE + 90));
  const places = new Map<string, { x: number; y: number }>();
  const boxes: { name: string; x: number; y: number; high: number }[] = [];
  let total = 0;
  columns.forEach((column, nth) => {
    const x = columns.length === 1 ? 20 : 12 + (nth * (inner - WIDE - 24)) / (columns.length - 1);
    const zones = new Map<string, Node[]>();
    for (const one of [...column].sort((a, b) => compareAddresses(a.id, b.id))) {
      const zone = zoneOf(one.id);
      zones.set(zone, [...(zones.get(zone) ?? []), one]);
    }
    let y = 4;
    for (const [name, of] of zones) {
      boxes.push({ name, x: x - 6, y, high: HEAD + of.length * (HIGH + GAP) + 2 });
      y += HEAD;
      for (const one of of) {
        places.set(one.id, { x, y });
        y += HIGH + GAP;
      }
      y += GAP + 4;
    }
    total = Math.max(total, y);
  });
  const drawn = edges.filter((one) => names.has(one.from) && names.has(one.to)).slice(0, 150);
  const show = (id: string) => void navigate({ to: '/alerts', search: { facility, search: id, tab: 'all' } as never });
  return (
    <figure className="chart">
      <div className="map" ref={ref} tabIndex={0} role="group" aria-label="Who talks to whom; each address is a link to its alerts">
        {width > 0 && (
          <svg width={inner} height={total} role="presentation">
            {boxes.map((one) => (
              <g key={one.name + one.x}>
                <rect className="zone" x={one.x} y={one.y} width={WIDE + 12} height={one.high} rx={6} />
                <text className="zone-name" x={one.x + 8} y={one.y + 16}>
                  {one.name}
                </text>
              </g>
            ))}
            {drawn.map((one) => (
              <Line key={one.from + one.to} edge={one} from={places.get(one.from)} to={places.get(one.to)} />
            ))}
            {shown.map((one) => {
              const at = places.get(one.id);
              if (!at) return null;
              return (
                <a
                  key={one.id}
                  href={`/alerts?facility=${encodeURIComponent(facility)}&search=${encodeURIComponent(one.id)}&tab=all`}
                  onClick={(event) => {
                    event.preventDefault();
                    show(one.id);
                  }}
                >
                  <g className={`node ${one.worst === 'critical' ? 'hot' : ''}`} transform={`translate(${at.x} ${at.y})`}>
                    <rect width={WIDE} height={HIGH} rx={5} />
                    <text x={9} y={15}>
                      {one.id}
                    </text>
                    <text className="sub" x={9} y={28}>
                      {plural(one.alerts, 'alert')} · {few([...one.protocols], 1)}
                    </text>
                  </g>
                </a>
              );
            })}
          </svg>
        )}
      </div>
      <figcaption className="legend">
        <span>Left asks, right answers. Lines were seen in alerts; thicker is more often, dashed is new within a day.</span>
        {nodes.length > MOST && <span>The {MOST} most named of {count(nodes.length)} addresses.</span>}
        <Twin label="Who talks to whom">
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">From</th>
                <th scope="col">To</th>
                <th scope="col">Protocol</th>
                <th scope="col">Worst</th>
                <th scope="col" className="right">
                  Times
                </th>
              </tr>
            </thead>
            <tbody>
              {edges.slice(0, 300).map((one) => (
                <tr key={one.from + one.to}>
                  <td className="mono">{one.from}</td>
                  <td className="mono">{one.to}</td>
                  <td>{few([...one.protocols])}</td>
                  <td>
                    <SeverityMark of={one.worst} />
                  </td>
                  <td className="right num">{count(one.count)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Twin>
      </figcaption>
    </figure>
  );
}

interface LineProps {
  edge: Edge;
  from?: { x: number; y: number };
  to?: { x: number; y: number };
}

function Line({ edge, from, to }: LineProps) {
  if (!from || !to) return null;
  const isRight = to.x >= from.x;
  const isSame = to.x === from.x;
  const [x1, x2] = isSame ? [from.x + WIDE, to.x + WIDE] : isRight ? [from.x + WIDE, to.x] : [from.x, to.x + WIDE];
  const [y1, y2] = [from.y + HIGH / 2, to.y + HIGH / 2];
  const bend = isSame ? 50 : ((x2 - x1) / 2) * (isRight ? 1 : 1);
  const path = `M${x1} ${y1}C${x1 + bend} ${y1} ${isSame ? x2 + bend : x2 - bend} ${y2} ${x2} ${y2}`;
  const isNew = now() - parse(edge.first) < 864e5;
  return <path className={`edge is-${edge.worst} ${isNew ? 'dashed' : ''}`} d={path} strokeWidth={Math.min(4, 1 + Math.log10(edge.count))} />;
}
