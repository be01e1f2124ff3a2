// Which models are at work, where they came from, whether the plants have moved away from them.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, download, must, type Schemas } from '../../api/client';
import { may, useMe } from '../../api/session';
import { count, few, newKey, percent, plural, words } from '../../lib/format';
import { BarList } from '../../components/chart';
import { Dialog } from '../../components/dialog';
import { Moment, Presence } from '../../components/marks';
import { Empty, Page, Panel, Shown, useInvalidate } from '../../components/shown';
import { say, sayProblem } from '../../components/toasts';
import { useSearchState } from '../../app/router';

export default function Models() {
  return (
    <Page title="Models">
      <div className="grid">
        <Panel title="Versions" className="w8" flush>
          <Versions />
        </Panel>
        <Panel title="At work at the plants" className="w4">
          <AtWork />
        </Panel>
        <Panel title="Drift" className="w6">
          <Drift />
        </Panel>
        <Panel title="Training" className="w6" flush>
          <Jobs />
        </Panel>
      </div>
    </Page>
  );
}

function Versions() {
  const [search, set] = useSearchState();
  const versions = useQuery({ queryKey: ['models', 'versions'], queryFn: () => must(api.GET('/api/models/versions', { params: { query: { limit: 100 } } })) });
  return (
    <Shown query={versions} empty={(data) => data.versions.length === 0 && <Empty icon="models" title="No version yet">A federated round makes one. Until then each plant works with what it learnt itself.</Empty>}>
      {(data) => (
        <div className="scroll-x inset" tabIndex={0} role="region" aria-label="Versions">
          <table className="plain">
            <thead>
              <tr>
                {['Version', 'Network', 'State', 'Accuracy', 'Round', 'Made', 'By', ''].map((one) => (
                  <th key={one} scope="col">
                    {one || <span className="hidden">More</span>}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.versions.map((one) => (
                <tr key={one.id}>
                  <td className="num">
                    <b>{one.id}</b>
                  </td>
                  <td>{one.network}</td>
                  <td>{one.is_current ? <span className="status on is-good">At work</span> : words(one.state)}</td>
                  <td className="num">{percent(one.accuracy, 1)}</td>
                  <td className="num">{one.round ?? '–'}</td>
                  <td>
                    <Moment at={one.created} />
                  </td>
                  <td>{one.made_by}</td>
                  <td className="right">
                    <button className="button tiny" onClick={() => set({ version: String(one.id) })}>
                      Look
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {search['version'] && <Version id={Number(search['version'])} onClose={() => set({ version: undefined })} />}
        </div>
      )}
    </Shown>
  );
}

function Version({ id, onClose }: { id: number; onClose: () => void }) {
  const me = useMe();
  const invalidate = useInvalidate();
  const path = { version_id: id };
  const detail = useQuery({ queryKey: ['models', 'version', id], queryFn: () => must(api.GET('/api/models/versions/{version_id}', { params: { path } })) });
  const performance = useQuery({ queryKey: ['models', 'performance', id], queryFn: () => must(api.GET('/api/models/versions/{version_id}/performance', { params: { path } })) });
  const [reason, setReason] = useState('');
  const [isBusy, setBusy] = useState(false);
  const act = async (is: 'promote' | 'rollback') => {
    setBusy(true);
    try {
      const params = { path, header: { 'idempotency-key': newKey() } };
      const body = { reason };
      await must(is === 'promote' ? api.POST('/api/models/versions/{version_id}/promote', { params, body }) : api.POST('/api/models/versions/{version_id}/rollback', { params, body }));
      say(is === 'promote' ? `Version ${id} is at work now.` : `Rolled back to version ${id}.`);
      invalidate('models');
      onClose();
    } catch (error) {
      sayProblem(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={`Version ${id}`} onClose={onClose}>
      <Shown query={detail} lines={8}>
        {(data) => (
          <div className="stack">
            <dl className="facts">
              <dt>Network</dt>
              <dd>
                {data.network}, {count(data.parameters)} parameters
              </dd>
              <dt>Digest</dt>
              <dd>
                <code className="break">{data.digest}</code>
              </dd>
              <dt>Came of</dt>
              <dd>{data.parents.length ? `version ${data.parents.join(', ')}` : 'nothing before it'}</dd>
              <dt>State</dt>
              <dd>
                {data.is_current ? 'at work' : words(data.state)} {data.reason && <span className="dim">({data.reason})</span>}
              </dd>
              {data.left_out.length > 0 && (
                <>
                  <dt>Left out</dt>
                  <dd>{data.left_out.map((one) => `${one.facility_id}: ${one.reason}`).join('; ')}</dd>
                </>
              )}
            </dl>
            <h3>Where it comes from</h3>
            <ol className="steps-line small">
              {data.lineage.map((one) => (
                <li key={one.version}>
                  <b>{one.version}</b> {one.round != null && `round ${one.round}, `}
                  {one.strategy} {one.plants != null && `of ${plural(one.plants, 'plant')}`} {one.epsilon != null && `ε ${one.epsilon.toFixed(3)}`} <Moment at={one.created} />
                </li>
              ))}
            </ol>
            <Shown query={performance} lines={3}>
              {(of: Schemas['ModelPerformance']) => (
                <p>
                  Accuracy <b>{percent(of.accuracy, 1)}</b>, before <b>{percent(of.previous_accuracy, 1)}</b>; {of.accepts ?? 0} plants took it, {of.refuses ?? 0} refused.
                </p>
              )}
            </Shown>
            {may(me, 'engineer') && !data.is_current && (
              <form
                className="stack"
                onSubmit={(event) => {
                  event.preventDefault();
                  void act(data.promoted ? 'rollback' : 'promote');
                }}
              >
                <label className="field">
                  <span>Why</span>
                  <textarea className="input" required maxLength={1000} value={reason} onChange={(event) => setReason(event.target.value)} />
                  <small>Plants judge it on minutes of their own, and take it only if it is no worse there.</small>
                </label>
                <div className="actions">
                  <button type="button" className="button" onClick={() => download(`/api/models/versions/${id}/export`, `model-${id}.json`).catch(sayProblem)}>
                    Save as file
                  </button>
                  <button className="button main" disabled={isBusy}>
                    {data.promoted ? 'Roll back to this' : 'Promote'}
                  </button>
                </div>
              </form>
            )}
          </div>
        )}
      </Shown>
    </Dialog>
  );
}

function AtWork() {
  const models = useQuery({ queryKey: ['models', 'at-work'], queryFn: () => must(api.GET('/api/models')), refetchInterval: 30_000 });
  return (
    <Shown query={models} empty={(data) => data.models.length === 0 && <Empty title="Not known now">Agents tell which models they work with while they are connected.</Empty>}>
      {(data) => (
        <ul className="stack">
          {data.models.map((one) => (
            <li key={one.name} className="row">
              <b>{one.name}</b>
              <span className="dim">
                {plural(one.agents, 'agent')}: {few(one.facilities, 4)}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Shown>
  );
}

function Drift() {
  const me = useMe();
  const invalidate = useInvalidate();
  const drift = useQuery({ queryKey: ['models', 'drift'], queryFn: () => must(api.GET('/api/drift')), refetchInterval: 60_000 });
  const retrain = () =>
    must(api.POST('/api/drift/round', { params: { header: { 'idempotency-key': newKey() } }, body: {} }))
      .then((begun) => {
        say(`Round ${begun.round_id} has begun.`);
        invalidate('fl', 'models');
      })
      .catch(sayProblem);
  return (
    <Shown query={drift} empty={(data) => data.agents.length === 0 && <Empty title="Not known now">Agents tell how their traffic has moved while they are connected.</Empty>}>
      {(data) => (
        <div className="stack">
          {data.agents.map((one) => (
            <section key={one.agent_id} className="stack">
              <p className="row">
                <b>{one.facility_id}</b> <Presence of={one.status ?? 'as learnt'} />
              </p>
              {one.features.length > 0 && <BarList items={one.features.slice(0, 8).map((moved) => ({ key: moved.feature, name: moved.feature, value: moved.index, tone: moved.status === 'moved' ? 'is-high' : 's1' }))} write={(value) => value.toFixed(2)} />}
            </section>
          ))}
          {may(me, 'engineer') && (
            <div>
              <button className="button" onClick={() => void retrain()}>
                Learn anew in a round
              </button>
            </div>
          )}
        </div>
      )}
    </Shown>
  );
}

function Jobs() {
  const jobs = useQuery({ queryKey: ['training', 'jobs'], queryFn: () => must(api.GET('/api/training/jobs')), refetchInterval: 10_000 });
  return (
    <Shown query={jobs} empty={(data) => data.jobs.length === 0 && <Empty title="Nothing is being trained" />}>
      {(data) => (
        <div className="scroll-x inset" tabIndex={0} role="region" aria-label="Training">
          <table className="plain">
            <thead>
              <tr>
                {['What', 'Where', 'State', 'Progress', 'Seen'].map((one) => (
                  <th key={one} scope="col">
                    {one}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.jobs.map((one) => (
                <tr key={one.id}>
                  <td>
                    {words(one.kind)} {one.round_number}
                  </td>
                  <td>{one.facility_id ?? 'all plants'}</td>
                  <td>
                    {words(one.state)} {one.error && <span className="is-critical small">{one.error}</span>}
                  </td>
                  <td className="num">{one.progress == null ? '–' : `${Math.round(one.progress)} %`}</td>
                  <td>
                    <Moment at={one.last_seen} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Shown>
  );
}
