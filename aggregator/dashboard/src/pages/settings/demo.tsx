// Scenarios of the demonstration, where the aggregator has one.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, maybe, must, type Schemas } from '../../api/client';
import { may, useMe } from '../../api/session';
import { Go } from '../../components/go';
import { Empty, Panel, Shown, useInvalidate } from '../../components/shown';
import { say, sayProblem } from '../../components/toasts';
import { words } from '../../lib/format';

type Scenario = Schemas['DemoScenario'];
type Status = Schemas['DemoStatus'];

const useDemo = () =>
  useQuery({ queryKey: ['demo'], queryFn: () => maybe(api.GET('/api/demo/status')), refetchInterval: (query) => (query.state.data ? 2000 : false), staleTime: 60_000 });

export function Demo() {
  const status = useDemo();
  return (
    <Panel title="Demonstration">
      <Shown query={status} empty={(data) => data === null && <Empty icon="play" title="This is no demonstration">Scenarios run where <code>make demo</code> has started the aggregator: with simulated plants, never with real ones.</Empty>}>
        {(data) => data && <Scenarios status={data} />}
      </Shown>
    </Panel>
  );
}

/** The same where somebody looks first; nothing where there is none. */
export function DemoHere() {
  const { data } = useDemo();
  return (
    data && (
      <Panel title="Demonstration" note="simulated plants">
        <Scenarios status={data} />
      </Panel>
    )
  );
}

function Scenarios({ status }: { status: Status }) {
  const me = useMe();
  const invalidate = useInvalidate();
  const [chosen, setPlant] = useState('');
  const facility_id = chosen || status.simulators[0]?.facility_id || '';
  const mayRun = may(me, 'engineer');
  const mayPlay = mayRun && facility_id !== '';
  const done = (asked: Promise<unknown>, said: string) =>
    asked
      .then(() => say(said))
      .catch(sayProblem)
      .finally(() => invalidate('demo', 'fl'));
  const body = { facility_id };
  const last = status.last_scenario;
  const told = [...status.active_scenarios, ...(last && !status.active_scenarios.some((one) => one.scenario_id === last.scenario_id) ? [last] : [])];
  return (
    <div className="stack">
      <div className="row">
        <label className="row">
          <span className="label">Plant</span>
          <select className="input" value={facility_id} onChange={(event) => setPlant(event.target.value)}>
            {status.simulators.map((one) => (
              <option key={one.facility_id} value={one.facility_id}>
                {one.facility_id} ({one.plant})
              </option>
            ))}
          </select>
        </label>
        <button className="button" disabled={!mayPlay} onClick={() => void done(must(api.POST('/api/demo/scenarios/port-scan', { body })), 'The scan has begun.')}>
          Port scan
        </button>
        <button className="button" disabled={!mayPlay} onClick={() => void done(must(api.POST('/api/demo/scenarios/multi-stage', { body })), 'The attack has begun: watch Incidents.')}>
          Attack in several stages
        </button>
        <button className="button" disabled={!mayRun} onClick={() => void done(must(api.POST('/api/demo/scenarios/fl-round')), 'The round has begun: watch Federated learning.')}>
          Federated round
        </button>
        <button className="button risky" disabled={!mayRun} onClick={() => void done(must(api.POST('/api/demo/reset')), 'Nothing is played any more.')}>
          Reset
        </button>
      </div>
      {!mayRun && <p className="dim small">An engineer may start them.</p>}
      {told.map((one) => (
        <Told key={one.scenario_id} of={one} />
      ))}
    </div>
  );
}

function Told({ of }: { of: Scenario }) {
  const isOpen = of.status === 'started' || of.status === 'running';
  return (
    <p className="row">
      <b>{words(of.scenario)}</b> {of.facility_id ?? 'all plants'} <span className="dim">{of.status}</span>
      {isOpen && of.steps > 0 && (
        <>
          <progress max={of.steps} value={of.steps_done} aria-label={`${of.steps_done} of ${of.steps} steps`} />
          {of.attack && (
            <span>
              {words(of.attack)} {of.attack_type && <code>{of.attack_type}</code>}
            </span>
          )}
        </>
      )}
      {of.detail && <span className="dim">{of.detail}</span>}
      {of.round_id ? <Go to="/learning">Its round</Go> : <Go to="/incidents">What was found</Go>}
    </p>
  );
}
