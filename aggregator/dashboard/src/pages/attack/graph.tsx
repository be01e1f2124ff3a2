// The graph: tactics from left to right, what was seen solid, what may come dashed. Places follow from the tactics.
import { percent } from '../../lib/format';
import { type Graph, type Tactic, tacticOf, TACTICS } from '../../lib/tactics';
import { Twin, useWidth } from '../../components/chart';
import { Empty } from '../../components/shown';

interface Props {
  graph: Graph;
  chosen?: string;
  choose: (id: string) => void;
}

const [WIDE, HIGH] = [154, 62];
/** A tactic with more is drawn in several columns. */
const TALL = 8;
/** Room for what goes around. */
const OUTSIDE = 34;

export function Picture({ graph: { nodes, links }, chosen, choose }: Props) {
  const [ref, width] = useWidth<HTMLDivElement>();
  if (nodes.length === 0) return <Empty icon="graph" title="Nothing to draw yet">What follows what is drawn as soon as an alert names a technique.</Empty>;
  const known = new Map(nodes.map((one) => [one.id, one]));
  const columns = [...TACTICS.map(([id, name]) => [id, name] as [Tactic | null, string]), [null, 'Tactic not told'] as [null, string]]
    .map(([id, name]) => ({ name, ids: nodes.filter((one) => tacticOf(one.tactic) === id).map((one) => one.id) }))
    .filter((one) => one.ids.length > 0)
    .flatMap((one) => Array.from({ length: Math.ceil(one.ids.length / TALL) }, (_, nth) => ({ name: nth ? '' : one.name, ids: one.ids.slice(nth * TALL, (nth + 1) * TALL) })));
  const inner = Math.max(width - 4, columns.length * (WIDE + 64));
  const places = new Map<string, { x: number; y: number }>();
  columns.forEach((column, nth) => {
    const x = columns.length === 1 ? 8 : 8 + nth * ((inner - 16 - OUTSIDE - WIDE) / (columns.length - 1));
    column.ids.forEach((id, row) => places.set(id, { x, y: 34 + row * (HIGH + 16) }));
  });
  const height = 60 + Math.max(...columns.map((one) => one.ids.length)) * (HIGH + 16);
  return (
    <figure className="chart panel">
      <div className="map" ref={ref} tabIndex={0} role="group" aria-label="What followed what, and what may follow">
        {width > 0 && (
          <svg width={inner} height={height} role="presentation">
            {columns.map((column, nth) => (
              <text key={nth} className="zone-name" x={places.get(column.ids[0] ?? '')?.x ?? 0} y={20}>
                {column.name}
              </text>
            ))}
            {links.map((one) => {
              const [from, to] = [places.get(one.source), places.get(one.target)];
              if (!from || !to) return null;
              const isSeen = one.probability >= 1;
              const isChosen = chosen === one.source || chosen === one.target;
              return <path key={`${one.source}>${one.target}`} className={`edge ${isSeen ? 'is-high' : 'dashed'} ${isChosen ? 'chosen' : ''}`} d={curve(from, to)} strokeWidth={isSeen ? 2 : 1 + 3 * one.probability} />;
            })}
            {nodes.map((one) => {
              const at = places.get(one.id);
              const isSeen = one.type === 'current';
              return (
                at && (
                  <a
                    key={one.id}
                    href={`/attack?view=graph&technique=${one.id}`}
                    aria-current={chosen === one.id ? 'true' : undefined}
                    onClick={(event) => {
                      event.preventDefault();
                      choose(one.id);
                    }}
                  >
                    <g className={`node ${isSeen ? 'hot' : ''}`} transform={`translate(${at.x} ${at.y})`}>
                      <rect width={WIDE} height={HIGH} rx={6} strokeDasharray={isSeen ? undefined : '5 4'} />
                      <text x={9} y={18}>
                        {one.id}
                        <tspan className="sub" x={WIDE - 9} textAnchor="end">
                          {isSeen ? 'seen' : percent(one.probability)}
                        </tspan>
                      </text>
                      {broken(one.name).map((line, nth) => (
                        <text key={line} className="sub" x={9} y={36 + nth * 15}>
                          {line}
                        </text>
                      ))}
                    </g>
                  </a>
                )
              );
            })}
          </svg>
        )}
      </div>
      <figcaption className="legend body">
        <span>Solid: one followed the other. Dashed: may follow; the thicker the likelier.</span>
        <Twin label="What followed what">
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">After</th>
                <th scope="col">Came, or may come</th>
                <th scope="col" className="right">Probability</th>
              </tr>
            </thead>
            <tbody>
              {links.map((one) => (
                <tr key={one.source + one.target}>
                  <td>
                    <code>{one.source}</code> {known.get(one.source)?.name}
                  </td>
                  <td>
                    <code>{one.target}</code> {known.get(one.target)?.name}
                  </td>
                  <td className="right num">{one.probability < 1 ? percent(one.probability) : 'came'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Twin>
      </figcaption>
    </figure>
  );
}

interface Place {
  x: number;
  y: number;
}

/** From side to side; within a column, or back, around the outside. */
function curve(from: Place, to: Place): string {
  const [y1, y2] = [from.y + HIGH / 2, to.y + HIGH / 2];
  if (to.x > from.x) {
    const [x1, x2] = [from.x + WIDE, to.x];
    return `M${x1} ${y1}C${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2} ${x2} ${y2}`;
  }
  const [x1, x2] = [from.x + WIDE, to.x + WIDE];
  const out = Math.max(x1, x2) + OUTSIDE;
  return `M${x1} ${y1}C${out} ${y1} ${out} ${y2} ${x2} ${y2}`;
}

/** A name in at most two lines. */
function broken(name: string): string[] {
  const most = 21;
  if (name.length <= most) return [name];
  const at = name.lastIndexOf(' ', most);
  const [first, rest] = at > 0 ? [name.slice(0, at), name.slice(at + 1)] : [name.slice(0, most), name.slice(most)];
  return [first, rest.length > most ? `${rest.slice(0, most - 1)}…` : rest];
}
