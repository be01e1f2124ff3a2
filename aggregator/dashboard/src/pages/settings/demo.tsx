// Scenarios of the demonstration, where the aggregator has one.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask, must } from '../../api/client';
import { may, useMe } from '../../api/session';
import { Empty, Panel, Shown, useInvalidate } from '../../components/shown';
import { say, sayProblem } from '../../components/toasts';
import { words } from '../../lib/format';

interface Scenario {
  scenario_id?: string;
  name?: string;
  status?: string;
  facility_id?: string;
  [more: string]: unknown;
}

interface Status {
  active_scenarios: Scenario[];
  last_scenario: Scenario | null;
}

export function Demo() {
  const me = useMe();
  const invalidate = useInvalidate();
  const status = useQuery({ queryKey: ['demo'], queryFn: () => ask<Status>('/api/demo/status'), refetchInterval: (query) => (query.state.data ? 2000 : false) });
  const plants = useQuery({ queryKey: ['facilities'], queryFn: () => must(api.GET('/api/facilities')) });
  const [plant, setPlant] = useState('');
  const run = (path: string, said: string, body?: unknown) =>
    ask(path, { method: 'POST', body })
      .then((answer) => say(answer === null ? 'There is no demonstration here.' : said))
      .catch(sayProblem)
      .finally(() => invalidate('demo', 'fl'));
  const facility_id = plant || plants.data?.facilities[0]?.id || '';
  const mayRun = may(me, 'analyst');
  return (
    <Panel title="Demonstration">
      <Shown query={status} empty={(data) => data === null && <Empty icon="play" title="This is no demonstration">Scenarios run where <code>make demo</code> has started the aggregator: with simulated plants, never with real ones.</Empty>}>
        {(data) =>
          data && (
            <div className="stack">
              <label className="field">
                <span>Plant</span>
                <select className="input" value={facility_id} onChange={(event) => setPlant(event.target.value)}>
                  {(plants.data?.facilities ?? []).map((one) => (
                    <option key={one.id} value={one.id}>
                      {one.name}
                    </option>
                  ))}
                </select>
              </label>
              <div className="row">
                <button className="button" disabled={!mayRun} onClick={() => void run('/api/demo/scenarios/port-scan', 'The scan has begun.', { facility_id })}>
                  Port scan
                </button>
                <button className="button" disabled={!mayRun} onClick={() => void run('/api/demo/scenarios/multi-stage', 'The attack has begun: watch Incidents.', { facility_id })}>
                  Attack in several stages
                </button>
                <button className="button" disabled={!mayRun} onClick={() => void run('/api/demo/scenarios/fl-round', 'The round has begun.')}>
                  Federated round
                </button>
                <button className="button risky" disabled={!mayRun} onClick={() => void run('/api/demo/reset', 'All is as at the beginning.')}>
                  Reset
                </button>
              </div>
              <ul className="stack">
                {[...data.active_scenarios, ...(data.last_scenario ? [data.last_scenario] : [])].map((one, nth) => (
                  <li key={nth} className="note">
                    <span>
                      <b>{words(String(one.name ?? one.scenario_id ?? 'Scenario'))}</b> {one.facility_id} <span className="dim">{one.status}</span>
                    </span>
                  </li>
                ))}
              </ul>
            </div>
          )
        }
      </Shown>
    </Panel>
  );
}
