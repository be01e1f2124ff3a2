// How long what is kept, how agents come in, and where else alerts go.
import { useQuery } from '@tanstack/react-query';
import { api, must } from '../../api/client';
import { count, words } from '../../lib/format';
import { Empty, Panel, Shown } from '../../components/shown';

export function Retention() {
  const fields = useQuery({ queryKey: ['classification'], queryFn: () => must(api.GET('/api/privacy/classification')) });
  const health = useQuery({ queryKey: ['health'], queryFn: () => must(api.GET('/health')) });
  return (
    <>
      <Panel title="How long what is kept" flush>
        <Shown query={fields} empty={(data) => data.fields.length === 0 && <Empty title="Nothing is stored" />}>
          {(data) => {
            const tables = new Map<string, { kept: string; days: number | null; fields: number }>();
            for (const one of data.fields) {
              const found = tables.get(one.table) ?? { kept: one.kept, days: one.kept_days ?? null, fields: 0 };
              found.fields++;
              tables.set(one.table, found);
            }
            return (
              <div className="scroll-x inset" tabIndex={0} role="region" aria-label="Retention">
                <table className="plain">
                  <thead>
                    <tr>
                      <th scope="col">What</th>
                      <th scope="col">Kept</th>
                      <th scope="col" className="right">
                        Days
                      </th>
                      <th scope="col" className="right">
                        Fields
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {[...tables].map(([name, one]) => (
                      <tr key={name}>
                        <td>{words(name)}</td>
                        <td>{one.kept}</td>
                        <td className="right num">{count(one.days)}</td>
                        <td className="right num">{count(one.fields)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            );
          }}
        </Shown>
      </Panel>
      <Panel title="Parts of the aggregator">
        <Shown query={health}>
          {(data) => (
            <dl className="facts">
              {Object.entries(data.services).map(([name, state]) => (
                <div key={name} className="contents">
                  <dt>{words(name)}</dt>
                  <dd>{words(state)}</dd>
                </div>
              ))}
            </dl>
          )}
        </Shown>
      </Panel>
      <Panel title="Agents and integrations">
        <div className="stack">
          <p>
            Agents enrol with a token that works once. It is made where the aggregator runs, and nowhere else, so that a stolen session lets no agent in: <code>fieldward-aggregator ca token</code>
          </p>
          <p>
            Programs ask the API with a key, or listen at <code>/ws</code>; <a href="/docs">the API and its messages</a>. Alerts as STIX, OCSF, CSV or a Navigator layer: the export of the queue. Figures for Prometheus: <code>/metrics</code>.
          </p>
        </div>
      </Panel>
    </>
  );
}
