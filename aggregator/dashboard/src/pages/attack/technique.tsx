// A technique: what it is, whether a mirror port shows it, what to do, where it was seen.
import { useQuery } from '@tanstack/react-query';
import { api, maybe, must, type Schemas } from '../../api/client';
import { count, few, percent } from '../../lib/format';
import { AlertList } from '../../components/alert-list';
import { Go } from '../../components/go';
import { Shown } from '../../components/shown';
import { VISIBLE } from './matrix';

export function Technique({ id, range, expected }: { id: string; range: string; expected?: Schemas['PredictedTechnique'] }) {
  const details = useQuery({ queryKey: ['technique', id], queryFn: () => maybe(api.GET('/api/mitre/technique/{technique_id}', { params: { path: { technique_id: id } } })), staleTime: 600_000 });
  const seen = useQuery({ queryKey: ['threats', 'of', id, range], queryFn: () => must(api.GET('/api/alerts', { params: { query: { technique: id, range, limit: 10 } } })) });
  return (
    <div className="stack">
      {expected && (
        <p className="note">
          <span>
            <b>{percent(expected.probability)}</b> likely next, in {expected.timeframe}.
          </span>
        </p>
      )}
      <Shown query={details} lines={4} empty={(data) => data === null && <p className="dim">The aggregator has no catalogue that knows this technique.</p>}>
        {(data) =>
          data && (
            <>
              <h3>{data.name}</h3>
              <p className="dim small">
                {data.tactics}
                {data.visible && ` · ${VISIBLE[data.visible] ?? data.visible}`}
              </p>
              <p>{data.description}</p>
              <h3>What to watch</h3>
              <p>{data.detection}</p>
              <h3>What helps</h3>
              <p>{data.mitigation}</p>
              {data.mitigations.length > 0 && <p className="dim small">Mitigations: {few(data.mitigations.map((one) => `${one.id} ${one.name}`), 4)}</p>}
              {data.used_by.length > 0 && <p className="dim small">Used by {few(data.used_by.map((one) => one.name), 6)}</p>}
              {data.moved_to && (
                <p className="dim small">
                  Since {data.moved_to.version} it is {data.moved_to.id}, {data.moved_to.name}.
                </p>
              )}
            </>
          )
        }
      </Shown>
      <h3>Seen</h3>
      <Shown query={seen} empty={(data) => data.alerts.length === 0 && <p className="dim">Not in this time.</p>}>
        {(data) => (
          <>
            <AlertList all={data.alerts} />
            <Go to="/alerts" search={{ technique: id, range, tab: 'all' }}>
              All {count(data.total)}
            </Go>
          </>
        )}
      </Shown>
    </div>
  );
}
