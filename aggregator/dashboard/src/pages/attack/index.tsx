// ATT&CK for ICS: which techniques were seen, which may come next, with probability and time frame.
import { useQuery } from '@tanstack/react-query';
import { api, ask, download, must, type Schemas } from '../../api/client';
import { count, percent, plural, words } from '../../lib/format';
import { type Tactic, tacticOf, TACTICS } from '../../lib/kill-chain';
import { listed } from '../../lib/search';
import { BarList } from '../../components/chart';
import { Go } from '../../components/go';
import { Icon } from '../../components/icons';
import { Ago, Moment, SeverityMark } from '../../components/marks';
import { Empty, Page, Panel, Shown } from '../../components/shown';
import { sayProblem } from '../../components/toasts';
import { useSearchState } from '../../app/router';
import { type Prediction, predictions, technique } from '../alerts/coming';
import { type GraphData, Picture } from './graph';

interface Cell {
  id: string;
  name: string;
  tactic: Tactic | null;
  seen: number;
  critical: number;
  probability: number;
  frame: string;
}

const RANGES = ['24h', '7d', '30d'];

export default function Attack() {
  const [search, set] = useSearchState();
  const range = search['range'] ?? '7d';
  const view = search['view'] ?? 'matrix';
  const stats = useQuery({ queryKey: ['threats', 'stats', range], queryFn: () => must(api.GET('/api/threats/stats', { params: { query: { range } } })) });
  const recent = useQuery({ queryKey: ['threats', 'named', range], queryFn: () => must(api.GET('/api/alerts', { params: { query: { range, limit: 500 } } })) });
  const guesses = useQuery({ queryKey: ['predictions', 'all'], queryFn: () => predictions(100) });
  const graph = useQuery({ queryKey: ['graph'], queryFn: () => ask<GraphData>('/api/mitre/graph') });
  const cells = cellsOf(stats.data?.by_type ?? [], recent.data?.alerts ?? [], guesses.data?.predictions ?? [], graph.data ?? null);
  return (
    <Page
      title="Attack graph"
      actions={
        <>
          <div className="segments" role="group" aria-label="Time">
            {RANGES.map((one) => (
              <button key={one} aria-pressed={range === one} onClick={() => set({ range: one })}>
                {one}
              </button>
            ))}
          </div>
          <button className="button tiny" onClick={() => download(`/api/alerts/export?format=layer&range=${range}`, 'fieldward-layer.json').catch(sayProblem)}>
            <Icon name="export" /> Navigator layer
          </button>
        </>
      }
    >
      <div className="tabs" role="tablist" aria-label="View">
        {[['matrix', 'Matrix'], ['graph', 'Graph'], ['predictions', 'Predictions']].map(([id, name]) => (
          <button key={id} role="tab" aria-selected={view === id} onClick={() => set({ view: id === 'matrix' ? undefined : id })}>
            {name}
          </button>
        ))}
      </div>
      <div className="grid">
        <div className={search['technique'] ? 'w8' : 'w12'}>
          {view === 'matrix' && (
            <Shown query={stats} lines={10} empty={() => cells.length === 0 && !graph.isPending && <Empty icon="graph" title="No technique was named">In this time no alert named one, and nothing was predicted.</Empty>}>
              {() => <Matrix cells={cells} chosen={search['technique']} choose={(id) => set({ technique: id })} />}
            </Shown>
          )}
          {view === 'graph' && (
            <Shown query={recent} lines={10}>
              {(data) => <Picture alerts={data.alerts} predictions={guesses.data?.predictions ?? []} tactics={new Map(cells.map((one) => [one.id, one.tactic]))} chosen={search['technique']} choose={(id) => set({ technique: id })} />}
            </Shown>
          )}
          {view === 'predictions' && (
            <Shown query={guesses} lines={6} empty={(data) => (data === null || data.predictions.length === 0) && <Empty icon="graph" title="Nothing was predicted yet">A prediction is made when an alert names a technique, and judged by what follows.</Empty>}>
              {(data) => data && <Guesses all={data.predictions} />}
            </Shown>
          )}
        </div>
        {search['technique'] && (
          <Panel
            title={listed(search['technique'])[0] ?? ''}
            className="w4"
            actions={
              <button className="button plain tiny icon-button" aria-label="Close" onClick={() => set({ technique: undefined })}>
                <Icon name="close" />
              </button>
            }
          >
            <Technique id={listed(search['technique'])[0] ?? ''} range={range} cell={cells.find((one) => one.id === search['technique'])} />
          </Panel>
        )}
      </div>
    </Page>
  );
}

function cellsOf(seen: readonly Schemas['ThreatType'][], alerts: readonly Schemas['Alert'][], guesses: readonly Prediction[], graph: GraphData | null): Cell[] {
  const cells = new Map<string, Cell>();
  const cell = (id: string, name = ''): Cell => {
    const found = cells.get(id) ?? { id, name, tactic: null, seen: 0, critical: 0, probability: 0, frame: '' };
    if (name && !found.name) found.name = name;
    cells.set(id, found);
    return found;
  };
  for (const node of graph?.nodes ?? []) cell(node.id, node.name).tactic = tacticOf(node.tactic);
  for (const one of seen) if (/^T\d{4}/.test(one.type)) Object.assign(cell(one.type), { seen: one.count, critical: one.critical });
  for (const one of alerts) {
    if (!one.attack_type) continue;
    const found = cell(one.attack_type, one.attack_name ?? '');
    found.tactic ??= tacticOf(one.tactic);
  }
  for (const one of guesses.slice(0, 20)) {
    for (const next of one.predicted_techniques) {
      const found = cell(next.technique_id, next.technique_name);
      if (next.probability > found.probability) Object.assign(found, { probability: next.probability, frame: next.timeframe });
    }
  }
  return [...cells.values()].sort((a, b) => b.seen - a.seen || b.probability - a.probability || a.id.localeCompare(b.id));
}

function Matrix({ cells, chosen, choose }: { cells: readonly Cell[]; chosen?: string; choose: (id: string) => void }) {
  const columns = [...TACTICS.map(([id, name]) => ({ id: id as Tactic | null, name: name as string })), { id: null, name: 'Tactic not told' }];
  return (
    <>
      <div className="legend">
        <span>
          <i className="swatch band" /> seen, with how often
        </span>
        <span>dashed: may come next, with probability</span>
      </div>
      <div className="matrix" tabIndex={0} role="region" aria-label="Techniques by tactic">
        {columns.map((column) => {
          const own = cells.filter((one) => one.tactic === column.id);
          if (column.id === null && own.length === 0) return null;
          return (
            <section key={column.name} aria-label={column.name}>
              <h3>{column.name}</h3>
              {own.map((one) => (
                <button key={one.id} className={`cell ${one.seen ? 'seen' : ''} ${one.probability ? 'guessed' : ''}`} aria-pressed={chosen === one.id} onClick={() => choose(one.id)}>
                  <code>{one.id}</code>
                  <span>{one.name || 'Technique'}</span>
                  {one.seen > 0 && <b>{plural(one.seen, 'alert')}</b>}
                  {one.probability > 0 && (
                    <b>
                      {percent(one.probability)} {one.frame && `in ${one.frame}`}
                    </b>
                  )}
                </button>
              ))}
            </section>
          );
        })}
      </div>
    </>
  );
}

function Guesses({ all }: { all: readonly Prediction[] }) {
  return (
    <ul className="stack">
      {all.slice(0, 40).map((one) => (
        <li key={one.id} className="panel">
          <div className="body stack">
            <p className="row">
              After <code>{one.current_technique}</code> {one.current_technique_name}
              <span className="dim small">
                <Ago at={one.timestamp} />
              </span>
              <span className="push" />
              {one.validated === true && <b className="is-good">came true</b>}
              {one.validated === false && one.validation_time && <span className="dim">did not come</span>}
              {one.alert_id && <Go to={`/alerts/${one.alert_id}`}>The alert</Go>}
            </p>
            <BarList most={1} items={one.predicted_techniques.map((next) => ({ key: next.technique_id, value: next.probability, name: `${next.technique_id} ${next.technique_name} · ${next.timeframe}` }))} write={(value) => percent(value)} />
          </div>
        </li>
      ))}
    </ul>
  );
}

function Technique({ id, range, cell }: { id: string; range: string; cell?: Cell }) {
  const details = useQuery({ queryKey: ['technique', id], queryFn: () => technique(id), staleTime: 600_000 });
  const seen = useQuery({ queryKey: ['threats', 'of', id, range], queryFn: () => must(api.GET('/api/alerts', { params: { query: { technique: id, range, limit: 10 } } })) });
  return (
    <div className="stack">
      <Shown query={details} lines={4} empty={(data) => data === null && <p className="dim">{cell?.name ? `${cell.name}. ` : ''}The aggregator has no catalogue of techniques to tell more from.</p>}>
        {(data) =>
          data && (
            <>
              <h3>{data.name}</h3>
              <p className="dim small">{words(data.tactics)}</p>
              <p>{data.description}</p>
              <h3>Detection</h3>
              <p>{data.detection}</p>
              <h3>Mitigation</h3>
              <p>{data.mitigation}</p>
            </>
          )
        }
      </Shown>
      {cell && cell.probability > 0 && (
        <p>
          <b>{percent(cell.probability)}</b> likely next{cell.frame ? `, in ${cell.frame}` : ''}.
        </p>
      )}
      <h3>Seen</h3>
      <Shown query={seen} empty={(data) => data.alerts.length === 0 && <p className="dim">Not in this time.</p>}>
        {(data) => (
          <>
            <ul className="related">
              {data.alerts.map((one) => (
                <li key={one.id}>
                  <SeverityMark of={one.severity} wordless />
                  <Moment at={one.timestamp} />
                  <Go to={`/alerts/${one.id}`} className="cut">
                    {one.title}
                  </Go>
                </li>
              ))}
            </ul>
            <Go to="/alerts" search={{ technique: id, range, tab: 'all' }}>
              All {count(data.total)}
            </Go>
          </>
        )}
      </Shown>
    </div>
  );
}
