// The graph: tactics from left to right, what was seen solid, what may come dashed. Places follow from the tactics.
import type { Schemas } from '../../api/client';
import { percent } from '../../lib/format';
import { type Tactic, tacticOf, TACTICS } from '../../lib/kill-chain';
import { Twin, useWidth } from '../../components/chart';
import { Empty } from '../../components/shown';
import type { Prediction } from '../alerts/coming';

export interface GraphData {
  nodes: { id: string; name: string; type: string; probability: number; tactic?: string | null }[];
  links: { source: string; target: string; probability: number }[];
}

interface Props {
  alerts: readonly Schemas['Alert'][];
  predictions: readonly Prediction[];
  tactics: ReadonlyMap<string, Tactic | null>;
  chosen?: string;
  choose: (id: string) => void;
}

interface Link {
  from: string;
  to: string;
  count: number;
  probability: number;
}

const [WIDE, HIGH] = [142, 46];

/** What followed what at one plant from one source, and what may follow. */
function linksOf(alerts: readonly Schemas['Alert'][], predictions: readonly Prediction[]): { names: Map<string, string>; links: Link[]; seen: Set<string>; tactics: Map<string, Tactic | null> } {
  const names = new Map<string, string>();
  const tactics = new Map<string, Tactic | null>();
  const links = new Map<string, Link>();
  const seen = new Set<string>();
  const last = new Map<string, string>();
  const link = (from: string, to: string): Link => {
    const key = `${from}>${to}`;
    const found = links.get(key) ?? { from, to, count: 0, probability: 0 };
    links.set(key, found);
    return found;
  };
  for (const one of [...alerts].reverse()) {
    if (!one.attack_type) continue;
    names.set(one.attack_type, one.attack_name ?? '');
    tactics.set(one.attack_type, tacticOf(one.tactic));
    seen.add(one.attack_type);
    const key = `${one.facility_id}\n${one.src_assets[0] ?? ''}`;
    const before = last.get(key);
    if (before && before !== one.attack_type) link(before, one.attack_type).count++;
    last.set(key, one.attack_type);
  }
  for (const one of predictions.slice(0, 12)) {
    names.set(one.current_technique, one.current_technique_name);
    for (const next of one.predicted_techniques.slice(0, 5)) {
      names.set(next.technique_id, next.technique_name);
      const made = link(one.current_technique, next.technique_id);
      made.probability = Math.max(made.probability, next.probability);
    }
  }
  return { names, links: [...links.values()], seen, tactics };
}

export function Picture({ alerts, predictions, tactics: known, chosen, choose }: Props) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const { names, links, seen, tactics } = linksOf(alerts, predictions);
  if (names.size === 0) return <Empty icon="graph" title="No technique was named in this time" />;
  const tacticFor = (id: string) => known.get(id) ?? tactics.get(id) ?? null;
  const columns = [...TACTICS.map(([id, name]) => [id, name] as [Tactic | null, string]), [null, 'Tactic not told'] as [null, string]]
    .map(([id, name]) => ({ name, ids: [...names.keys()].filter((one) => tacticFor(one) === id).sort() }))
    .filter((one) => one.ids.length > 0);
  // A tactic with many techniques is drawn in columns of ten.
  const tall = columns.flatMap((one) => Array.from({ length: Math.ceil(one.ids.length / 10) }, (_, nth) => ({ name: nth ? '' : one.name, ids: one.ids.slice(nth * 10, nth * 10 + 10) })));
  const inner = Math.max(width - 4, tall.length * (WIDE + 56));
  const places = new Map<string, { x: number; y: number }>();
  tall.forEach((column, nth) => {
    const x = 8 + nth * ((inner - 16 - WIDE) / Math.max(1, tall.length - 1));
    column.ids.forEach((id, row) => places.set(id, { x: tall.length === 1 ? 8 : x, y: 32 + row * (HIGH + 14) }));
  });
  const height = 50 + Math.max(...tall.map((one) => one.ids.length)) * (HIGH + 14);
  return (
    <figure className="chart panel">
      <div className="map" ref={ref} tabIndex={0} role="group" aria-label="What followed what, and what may follow">
        {width > 0 && (
          <svg width={inner} height={height} role="presentation">
            {tall.map((column, nth) => (
              <text key={nth} className="zone-name" x={places.get(column.ids[0] ?? '')?.x ?? 0} y={20}>
                {column.name}
              </text>
            ))}
            {links.map((one) => {
              const [from, to] = [places.get(one.from), places.get(one.to)];
              if (!from || !to) return null;
              const isBack = to.x <= from.x;
              const [x1, x2] = isBack ? [from.x + WIDE / 2, to.x + WIDE / 2] : [from.x + WIDE, to.x];
              const [y1, y2] = isBack ? [from.y + HIGH, to.y + HIGH] : [from.y + HIGH / 2, to.y + HIGH / 2];
              const d = isBack ? `M${x1} ${y1}C${x1} ${y1 + 40} ${x2} ${y2 + 40} ${x2} ${y2}` : `M${x1} ${y1}C${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2} ${x2} ${y2}`;
              return (
                <g key={one.from + one.to}>
                  <path className={`edge ${one.probability && !one.count ? 'dashed' : 'is-high'}`} d={d} strokeWidth={Math.min(4, 1 + Math.log2(1 + one.count) / 2)} />
                  {one.probability > 0 && (
                    <text className="zone-name" x={(x1 + x2) / 2} y={(y1 + y2) / 2 - 4} textAnchor="middle">
                      {percent(one.probability)}
                    </text>
                  )}
                </g>
              );
            })}
            {[...places].map(([id, at]) => (
              <a
                key={id}
                href={`/attack?view=graph&technique=${id}`}
                aria-current={chosen === id ? 'true' : undefined}
                onClick={(event) => {
                  event.preventDefault();
                  choose(id);
                }}
              >
                <g className={`node ${seen.has(id) ? 'hot' : ''}`} transform={`translate(${at.x} ${at.y})`}>
                  <rect width={WIDE} height={HIGH} rx={6} strokeDasharray={seen.has(id) ? undefined : '5 4'} />
                  <text x={9} y={19}>
                    {id}
                  </text>
                  <text className="sub" x={9} y={35}>
                    {(names.get(id) ?? '').slice(0, 21)}
                    {(names.get(id) ?? '').length > 21 ? '…' : ''}
                  </text>
                </g>
              </a>
            ))}
          </svg>
        )}
      </div>
      <figcaption className="legend body">
        <span>Solid lines: one followed the other from the same source. Dashed: may follow, with probability.</span>
        <Twin label="What followed what">
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">After</th>
                <th scope="col">Came, or may come</th>
                <th scope="col" className="right">Seen</th>
                <th scope="col" className="right">Probability</th>
              </tr>
            </thead>
            <tbody>
              {links.map((one) => (
                <tr key={one.from + one.to}>
                  <td>
                    <code>{one.from}</code> {names.get(one.from)}
                  </td>
                  <td>
                    <code>{one.to}</code> {names.get(one.to)}
                  </td>
                  <td className="right num">{one.count || '–'}</td>
                  <td className="right num">{one.probability ? percent(one.probability) : '–'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Twin>
      </figcaption>
    </figure>
  );
}
