// How rounds learn.
import { useQuery } from '@tanstack/react-query';
import { api, must } from '../../api/client';
import { words } from '../../lib/format';
import { Moment } from '../../components/marks';
import { Empty, Panel, Shown, useInvalidate } from '../../components/shown';
import { say, sayProblem } from '../../components/toasts';

export function Training() {
  const invalidate = useInvalidate();
  const settings = useQuery({ queryKey: ['training', 'configuration'], queryFn: () => must(api.GET('/api/training/configuration')) });
  const change = (network: string, strategy: string) =>
    must(api.PUT('/api/training/configuration/{network}', { params: { path: { network } }, body: { strategy } }))
      .then(() => {
        say(`${network} learns by ${strategy} from the next round on.`);
        invalidate('training');
      })
      .catch(sayProblem);
  return (
    <Panel title="How plants learn together">
      <Shown query={settings} empty={(data) => data.networks.length === 0 && <Empty title="As configured">No network has settings of its own. They appear with the first round, and hold from the next on.</Empty>}>
        {(data) => (
          <ul className="stack">
            {data.networks.map((one) => (
              <li key={one.network} className="stack">
                <p className="row">
                  <b>{one.network}</b>
                  <span className="dim small">
                    revision {one.revision}, by {one.changed_by} <Moment at={one.changed} />
                  </span>
                </p>
                <label className="field">
                  <span>Strategy</span>
                  <select className="input" value={one.strategy} onChange={(event) => void change(one.network, event.target.value)}>
                    {data.strategies.map((of) => (
                      <option key={of.name} value={of.name}>
                        {of.name}: {of.about}
                      </option>
                    ))}
                  </select>
                </label>
                <dl className="facts">
                  {Object.entries(one.settings)
                    .filter(([, value]) => value != null)
                    .map(([name, value]) => (
                      <div key={name} className="contents">
                        <dt>{words(name)}</dt>
                        <dd className="num">{String(value)}</dd>
                      </div>
                    ))}
                </dl>
              </li>
            ))}
          </ul>
        )}
      </Shown>
    </Panel>
  );
}
