// The whole matrix: every technique of ATT&CK for ICS under its tactics. What was seen, what is expected, and how much
// of the rest a mirror port would show.
import type { Schemas } from '../../api/client';
import { percent, plural, shortFrame } from '../../lib/format';
import type { Graph } from '../../lib/tactics';

type Prediction = Schemas['Prediction'];
type PredictedTechnique = Schemas['PredictedTechnique'];

/** What is expected of each technique: of the newest prediction of each incident that has not come true. */
export function expectedOf(all: readonly Prediction[]): Map<string, PredictedTechnique> {
  const expected = new Map<string, PredictedTechnique>();
  const newest = new Map<string, Prediction>();
  for (const one of all) if (!one.validated && !newest.has(one.incident_id ?? one.id)) newest.set(one.incident_id ?? one.id, one);
  for (const next of [...newest.values()].flatMap((one) => one.predicted_techniques)) {
    if (next.probability > (expected.get(next.technique_id)?.probability ?? 0)) expected.set(next.technique_id, next);
  }
  return expected;
}

export const VISIBLE: Record<string, string> = {
  named: 'Fieldward names it',
  traces: 'leaves traces on the wire',
  unseen: 'cannot be seen on the wire',
};

interface Props {
  graph: Graph;
  counts: ReadonlyMap<string, Schemas['ThreatType']>;
  expected: ReadonlyMap<string, PredictedTechnique>;
  range: string;
  show?: string;
  setShow: (show: string) => void;
  chosen?: string;
  choose: (id: string) => void;
}

export function Matrix({ graph, counts, expected, range, show, setShow, chosen, choose }: Props) {
  const seen = new Set(graph.nodes.filter((one) => one.type === 'current').map((one) => one.id));
  const has = (id: string) => counts.has(id) || seen.has(id) || expected.has(id);
  const isNarrow = matchMedia('(max-width: 760px)').matches;
  const isAll = (show ?? (isNarrow ? 'some' : 'all')) === 'all';
  const all = new Set(graph.matrix.flatMap((column) => column.techniques.map((one) => one.id)));
  const named = new Set(graph.matrix.flatMap((column) => column.techniques.filter((one) => one.visible === 'named').map((one) => one.id)));
  return (
    <>
      <div className="row matrix-head">
        <div className="segments" role="group" aria-label="Techniques">
          <button aria-pressed={isAll} onClick={() => setShow('all')}>
            All techniques
          </button>
          <button aria-pressed={!isAll} onClick={() => setShow('some')}>
            Seen or expected
          </button>
        </div>
        <ul className="legend" aria-label="Marks">
          <li>
            <i className="swatch cell seen" /> seen, how often in {range}
          </li>
          <li>
            <i className="swatch cell guessed" /> may come next
          </li>
          <li>
            <i className="swatch cell named" /> {VISIBLE['named']} ({named.size} of {all.size})
          </li>
          <li>
            <i className="swatch cell traces" /> {VISIBLE['traces']}
          </li>
          <li>
            <i className="swatch cell unseen" /> {VISIBLE['unseen']}
          </li>
        </ul>
      </div>
      <div className="matrix" tabIndex={0} role="region" aria-label={`Techniques by tactic, ATT&CK for ICS ${graph.version}`}>
        {graph.matrix.map((column) => {
          const own = column.techniques.filter((one) => isAll || has(one.id));
          return (
            <section key={column.id} aria-label={column.name} className={own.length === 0 ? 'bare' : ''}>
              <h3>{column.name}</h3>
              {own.map((one) => {
                const count = counts.get(one.id)?.count ?? 0;
                const isSeen = count > 0 || seen.has(one.id);
                const next = isSeen ? undefined : expected.get(one.id);
                return (
                  <button key={one.id} className={`cell ${one.visible} ${isSeen ? 'seen' : ''} ${next ? 'guessed' : ''}`} aria-pressed={chosen === one.id} title={VISIBLE[one.visible]} onClick={() => choose(one.id)}>
                    <code>{one.id}</code>
                    <span>{one.name}</span>
                    {isSeen && <b>{count > 0 ? plural(count, 'alert') : 'seen before'}</b>}
                    {next && (
                      <b>
                        {percent(next.probability)}, {shortFrame(next.timeframe)}
                      </b>
                    )}
                    <span className="hidden">{VISIBLE[one.visible]}</span>
                  </button>
                );
              })}
            </section>
          );
        })}
      </div>
    </>
  );
}
