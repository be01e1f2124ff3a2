// ATT&CK for ICS: which techniques were seen, which may come next, with probability and time frame.
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { api, download, must, type Schemas } from '../../api/client';
import { listed } from '../../lib/search';
import { useGraph } from '../../lib/tactics';
import { Expected } from '../../components/expected';
import { Go } from '../../components/go';
import { Icon } from '../../components/icons';
import { Ago } from '../../components/marks';
import { Empty, Page, Panel, Shown } from '../../components/shown';
import { sayProblem } from '../../components/toasts';
import { useSearchState } from '../../app/router';
import { Picture } from './graph';
import { expectedOf, Matrix } from './matrix';
import { Technique } from './technique';

const RANGES = ['24h', '7d', '30d'];

export default function Attack() {
  const [search, set] = useSearchState();
  const range = search['range'] ?? '7d';
  const view = search['view'] ?? 'matrix';
  const stats = useQuery({ queryKey: ['threats', 'stats', range], queryFn: () => must(api.GET('/api/threats/stats', { params: { query: { range } } })) });
  const guesses = useQuery({ queryKey: ['predictions', 'all'], queryFn: () => must(api.GET('/api/predictions', { params: { query: { limit: 100 } } })) });
  const graph = useGraph();
  const expected = useMemo(() => expectedOf(guesses.data?.predictions ?? []), [guesses.data]);
  const counts = useMemo(() => new Map((stats.data?.by_type ?? []).map((one) => [one.type, one])), [stats.data]);
  const chosen = listed(search['technique'])[0];
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
        <div className={chosen ? 'w8' : 'w12'}>
          {view === 'matrix' && (
            <Shown query={graph} lines={12}>
              {(data) => <Matrix graph={data} counts={counts} expected={expected} range={range} show={search['show']} setShow={(show) => set({ show })} chosen={chosen} choose={(id) => set({ technique: id })} />}
            </Shown>
          )}
          {view === 'graph' && (
            <Shown query={graph} lines={10}>
              {(data) => <Picture graph={data} chosen={chosen} choose={(id) => set({ technique: id })} />}
            </Shown>
          )}
          {view === 'predictions' && (
            <Shown query={guesses} lines={6} empty={(data) => data.predictions.length === 0 && <Empty icon="graph" title="Nothing was predicted yet">A prediction is made when an alert names a technique, and judged by what follows.</Empty>}>
              {(data) => <Guesses all={data.predictions} />}
            </Shown>
          )}
        </div>
        {chosen && (
          <Panel
            title={chosen}
            className="w4 beside"
            actions={
              <button className="button plain tiny icon-button" aria-label="Close" onClick={() => set({ technique: undefined })}>
                <Icon name="close" />
              </button>
            }
          >
            <Technique id={chosen} range={range} expected={expected.get(chosen)} />
          </Panel>
        )}
      </div>
    </Page>
  );
}

function Guesses({ all }: { all: readonly Schemas['Prediction'][] }) {
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
              {one.validated && <b className="is-good">came true</b>}
              {one.alert_id && <Go to={`/alerts/${one.alert_id}`}>The alert</Go>}
            </p>
            <Expected all={one.predicted_techniques} />
          </div>
        </li>
      ))}
    </ul>
  );
}
