// Rounds in which plants learn together: what runs now, who takes part, what it costs in privacy, what came of it.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, maybe, must, type Schemas } from '../../api/client';
import { may, useMe } from '../../api/session';
import { count, newKey, percent, plural, words } from '../../lib/format';
import { duration, parse } from '../../lib/time';
import { Chart } from '../../components/chart';
import { Dialog } from '../../components/dialog';
import { Ago, Moment, Presence } from '../../components/marks';
import { Empty, Page, Panel, Shown, useInvalidate } from '../../components/shown';
import { say, sayProblem } from '../../components/toasts';
import { Trigger } from './trigger';

type Round = Schemas['FlRound'];

const PHASES = ['planned', 'distributing', 'training', 'aggregating', 'gate', 'complete'];

export default function Learning() {
  const me = useMe();
  const [isOpen, setOpen] = useState(false);
  const round = useQuery({ queryKey: ['fl', 'current'], queryFn: () => maybe(api.GET('/api/fl/rounds/current')), refetchInterval: (query) => (query.state.data?.status === 'in-progress' ? 2000 : 15_000) });
  const isRunning = round.data?.status === 'in-progress';
  return (
    <Page
      title="Federated learning"
      actions={
        may(me, 'engineer') && (
          <button className="button main" disabled={isRunning} onClick={() => setOpen(true)}>
            Start a round
          </button>
        )
      }
    >
      <div className="grid">
        <Panel title={isRunning ? 'The round that runs' : 'The last round'} className="w12">
          <Shown query={round} lines={5} empty={(data) => data === null && <Empty icon="learning" title="No round has run yet">Plants send what they learnt, masked and with noise; only the sum can be read. Start a round, or wait for the one that is planned.</Empty>}>
            {(data) => data && <Current round={data} />}
          </Shown>
        </Panel>
        <Panel title="Plants" className="w7" flush>
          <Clients />
        </Panel>
        <Panel title="Privacy" className="w5">
          <Privacy />
        </Panel>
        <Curves />
        <Panel title="History" className="w12" flush>
          <History />
        </Panel>
      </div>
      {isOpen && <Trigger onClose={() => setOpen(false)} />}
    </Page>
  );
}

function Current({ round }: { round: Round }) {
  const at = PHASES.indexOf(round.phase);
  const hasFailed = round.status === 'failed' || round.status === 'aborted';
  return (
    <div className="stack">
      <div className="row">
        <b>Round {round.round_number}</b>
        <span>
          {round.network} by {round.strategy}
        </span>
        <span className="dim">
          {round.cause}, asked for by {round.requested_by}
        </span>
        <span className="push" />
        <Control round={round} />
      </div>
      <ol className="stepper" aria-label={`Phase: ${round.phase}`}>
        {(at < 0 ? [...PHASES.slice(0, -1), round.phase] : PHASES).map((one, nth) => {
          const here = at < 0 ? PHASES.length - 1 : at;
          const isDone = nth < here || round.status === 'completed';
          return (
            <li key={one} className={nth === here && hasFailed ? 'bad' : isDone ? 'done' : nth === here ? 'at' : ''}>
              {one === 'gate' ? 'Judged by plants' : words(one)}
            </li>
          );
        })}
      </ol>
      <div className="meter" role="progressbar" aria-label="Progress" aria-valuenow={round.progress} aria-valuemin={0} aria-valuemax={100}>
        <i style={{ width: `${round.progress}%` }} />
      </div>
      <p className="row small dim">
        <span>
          {round.clients_active} of {plural(round.total_clients, 'plant')}
        </span>
        <span>attempt {round.attempt}</span>
        <span>{duration(round.duration_seconds)}</span>
        {round.epsilon != null && <span>costs ε {round.epsilon.toFixed(3)}</span>}
        {round.paused && <b className="is-medium">paused</b>}
        <Moment at={round.start_time} long />
      </p>
      {(round.reason || round.stop) && (
        <p className={`note ${hasFailed ? 'bad' : ''}`}>
          {round.reason}
          {round.stop && ` ${round.stop.by}: ${round.stop.reason}`}
        </p>
      )}
    </div>
  );
}

function Control({ round }: { round: Round }) {
  const me = useMe();
  const invalidate = useInvalidate();
  const [isAborting, setAborting] = useState(false);
  const [reason, setReason] = useState('');
  if (round.status !== 'in-progress' || !may(me, 'engineer')) return null;
  const params = () => ({ path: { round_id: round.id }, header: { 'idempotency-key': newKey() } });
  const done = (text: string) => () => {
    say(text);
    invalidate('fl');
  };
  return (
    <span className="row">
      {round.paused ? (
        <button className="button tiny" onClick={() => must(api.POST('/api/fl/rounds/{round_id}/resume', { params: params() })).then(done('The round goes on.')).catch(sayProblem)}>
          Go on
        </button>
      ) : (
        <button className="button tiny" onClick={() => must(api.POST('/api/fl/rounds/{round_id}/pause', { params: params() })).then(done('The round is paused.')).catch(sayProblem)}>
          Pause
        </button>
      )}
      <button className="button tiny risky" onClick={() => setAborting(true)}>
        Abort…
      </button>
      {isAborting && (
        <Dialog title={`Abort round ${round.round_number}`} onClose={() => setAborting(false)}>
          <form
            className="stack"
            onSubmit={(event) => {
              event.preventDefault();
              must(api.POST('/api/fl/rounds/{round_id}/abort', { params: params(), body: { reason } }))
                .then(() => setAborting(false))
                .then(done('The round is aborted.'))
                .catch(sayProblem);
            }}
          >
            <p>What the plants have trained is thrown away. The privacy that it cost stays spent.</p>
            <label className="field">
              <span>Why</span>
              <textarea className="input" required maxLength={1000} value={reason} onChange={(event) => setReason(event.target.value)} autoFocus />
            </label>
            <div className="actions">
              <button className="button risky">Abort the round</button>
            </div>
          </form>
        </Dialog>
      )}
    </span>
  );
}

function Clients() {
  const clients = useQuery({ queryKey: ['fl', 'clients'], queryFn: () => must(api.GET('/api/fl/clients')), refetchInterval: 5000 });
  return (
    <Shown query={clients} empty={(data) => data.length === 0 && <Empty title="No plant takes part yet" />}>
      {(data) => (
        <div className="scroll-x inset" tabIndex={0} role="region" aria-label="Plants of rounds">
          <table className="plain">
            <thead>
              <tr>
                {['Plant', 'State', 'Stage', 'Epoch', 'Loss', 'Accuracy', 'ε spent', 'Rounds left'].map((one) => (
                  <th key={one} scope="col">
                    {one}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.map((one) => (
                <tr key={one.id}>
                  <td>{one.name}</td>
                  <td>
                    <Presence of={one.status} />
                  </td>
                  <td>
                    {one.stage ? words(one.stage) : <span className="dim">{one.unknown['stage'] ?? '–'}</span>}
                    {one.reason && <span className="small is-high"> {one.reason}</span>}
                  </td>
                  <td className="num">{one.total_epochs ? `${one.current_epoch} of ${one.total_epochs}` : '–'}</td>
                  <td className="num">{one.loss?.toFixed(4) ?? '–'}</td>
                  <td className="num">{percent(one.accuracy, 1)}</td>
                  <td className="num">{one.epsilon?.toFixed(2) ?? '–'}</td>
                  <td className="num">{count(one.rounds_left)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Shown>
  );
}

function Privacy() {
  const privacy = useQuery({ queryKey: ['fl', 'privacy'], queryFn: () => must(api.GET('/api/fl/privacy-metrics')), refetchInterval: 30_000 });
  return (
    <Shown query={privacy} lines={5}>
      {(data) => {
        const { epsilon, rounds_left: left } = data;
        const most = Math.max(1, ...data.facilities.map((one) => one.epsilon ?? 0));
        return (
          <div className="stack">
            <dl className="figures">
              <div>
                <dt>Spent, at most</dt>
                <dd className="num">{epsilon == null ? '–' : `ε ${epsilon.toFixed(2)}`}</dd>
              </div>
              <div>
                <dt>Rounds left</dt>
                <dd className="num">{left == null ? '–' : count(left)}</dd>
              </div>
            </dl>
            {epsilon == null && <p className="dim">{data.unknown['epsilon']}</p>}
            <ul className="barlist">
              {data.facilities.map((one) => (
                <li key={one.client_id}>
                  <span>{one.facility_id}</span>
                  <span className="track s2" aria-hidden="true">
                    <i style={{ width: `${((one.epsilon ?? 0) / most) * 100}%` }} />
                  </span>
                  <b className="num right">ε {one.epsilon?.toFixed(2) ?? '–'}</b>
                </li>
              ))}
            </ul>
            <dl className="facts">
              <dt>Protects</dt>
              <dd>{data.unit}</dd>
              <dt>δ</dt>
              <dd>{data.delta ?? data.unknown['delta'] ?? '–'}</dd>
              <dt>On the way</dt>
              <dd className="small">{data.encryption}</dd>
            </dl>
          </div>
        );
      }}
    </Shown>
  );
}

function Curves() {
  const history = useQuery({ queryKey: ['fl', 'history'], queryFn: () => must(api.GET('/api/fl/rounds/history', { params: { query: { range: '90d', limit: 500 } } })) });
  const rounds = history.data?.rounds ?? [];
  const points = (of: (one: Schemas['FlRoundPoint']) => number | null | undefined) => [...rounds].sort((a, b) => a.timestamp.localeCompare(b.timestamp)).map((one) => [parse(one.timestamp), of(one) ?? null] as const);
  return (
    <>
      <Panel title="Accuracy over rounds" className="w6">
        <Shown query={history} lines={5} empty={() => rounds.length === 0 && <Empty title="No round has ended yet" />}>
          {() => <Chart label="Accuracy of the model after each round" top={1} series={[{ name: 'accuracy', tone: 's1', points: points((one) => one.model_accuracy) }]} write={(value) => percent(value)} />}
        </Shown>
      </Panel>
      <Panel title="Privacy over rounds" className="w6">
        <Shown query={history} lines={5} empty={() => rounds.length === 0 && <Empty title="No round has ended yet" />}>
          {() => <Chart label="Epsilon of each round" series={[{ name: 'ε', tone: 's2', points: points((one) => one.epsilon) }]} write={(value) => value?.toFixed(2) ?? '–'} />}
        </Shown>
      </Panel>
    </>
  );
}

function History() {
  const rounds = useQuery({ queryKey: ['fl', 'rounds'], queryFn: () => must(api.GET('/api/fl/rounds', { params: { query: { limit: 50 } } })) });
  return (
    <Shown query={rounds} empty={(data) => data.rounds.length === 0 && <Empty title="No round yet" />}>
      {(data) => (
        <div className="scroll-x inset" tabIndex={0} role="region" aria-label="Rounds">
          <table className="plain">
            <thead>
              <tr>
                {['Round', 'Network', 'Strategy', 'Began', 'Took', 'Plants', 'Accuracy', 'ε', 'Result'].map((one) => (
                  <th key={one} scope="col">
                    {one}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.rounds.map((one) => (
                <tr key={one.id}>
                  <td className="num">{one.round_number}</td>
                  <td>{one.network}</td>
                  <td>{one.strategy}</td>
                  <td>{one.start_time ? <Moment at={one.start_time} /> : <Ago at={one.planned_time} />}</td>
                  <td className="num">{duration(one.duration_seconds)}</td>
                  <td className="num">
                    {one.clients_active} of {one.total_clients}
                  </td>
                  <td className="num">{percent(one.model_accuracy, 1)}</td>
                  <td className="num">{one.epsilon?.toFixed(3) ?? '–'}</td>
                  <td>
                    <b className={one.status === 'completed' ? 'is-good' : one.status === 'failed' ? 'is-critical' : ''}>{words(one.status)}</b> <span className="dim">{one.reason ?? one.stop?.reason}</span>
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
