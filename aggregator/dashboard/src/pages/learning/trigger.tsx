// Starting a round: what it costs stands beside the button that spends it.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, must } from '../../api/client';
import { newKey, plural } from '../../lib/format';
import { duration } from '../../lib/time';
import { Dialog } from '../../components/dialog';
import { Shown, useInvalidate } from '../../components/shown';
import { say, sayProblem } from '../../components/toasts';

export function Trigger({ onClose }: { onClose: () => void }) {
  const invalidate = useInvalidate();
  const settings = useQuery({ queryKey: ['training', 'configuration'], queryFn: () => must(api.GET('/api/training/configuration')) });
  const rounds = useQuery({ queryKey: ['fl', 'rounds'], queryFn: () => must(api.GET('/api/fl/rounds', { params: { query: { limit: 50 } } })) });
  const clients = useQuery({ queryKey: ['fl', 'clients'], queryFn: () => must(api.GET('/api/fl/clients')) });
  const privacy = useQuery({ queryKey: ['fl', 'privacy'], queryFn: () => must(api.GET('/api/fl/privacy-metrics')) });
  const [strategy, setStrategy] = useState('');
  const [isBusy, setBusy] = useState(false);
  const ended = rounds.data?.rounds.filter((one) => one.status === 'completed') ?? [];
  const cost = ended.map((one) => one.epsilon).find((one) => one != null);
  const long = ended.length ? ended.reduce((sum, one) => sum + one.duration_seconds, 0) / ended.length : null;
  const present = clients.data?.filter((one) => one.status !== 'offline').length ?? 0;
  const start = async () => {
    setBusy(true);
    try {
      const begun = await must(api.POST('/api/fl/rounds/trigger', { params: { header: { 'idempotency-key': newKey() } }, body: strategy ? { strategy } : {} }));
      say(`Round ${begun.round_id} has begun.`);
      invalidate('fl');
      onClose();
    } catch (error) {
      sayProblem(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title="Start a round" onClose={onClose}>
      <dl className="facts">
        <dt>Plants that are there</dt>
        <dd>{plural(present, 'plant')}</dd>
        <dt>Privacy it costs</dt>
        <dd>{cost == null ? 'not known before the first round has ended' : `about ε ${cost.toFixed(3)} of each plant, as the last one`}</dd>
        <dt>Rounds left</dt>
        <dd>{privacy.data?.rounds_left ?? 'not known yet'}</dd>
        <dt>Takes</dt>
        <dd>{long === null ? 'not known yet' : `about ${duration(long)}`}</dd>
      </dl>
      <Shown query={settings} lines={2}>
        {(data) => (
          <label className="field">
            <span>Strategy</span>
            <select className="input" value={strategy} onChange={(event) => setStrategy(event.target.value)}>
              <option value="">As configured</option>
              {data.strategies.map((one) => (
                <option key={one.name} value={one.name}>
                  {one.name}
                </option>
              ))}
            </select>
            <small>
              {data.strategies.find((one) => one.name === strategy)?.about}
              {data.strategies.find((one) => one.name === strategy)?.sees_each && ' The aggregator sees each plant’s update: plants may refuse.'}
            </small>
          </label>
        )}
      </Shown>
      <div className="actions">
        <button className="button" onClick={onClose}>
          Cancel
        </button>
        <button className="button main" disabled={isBusy} onClick={() => void start()}>
          {isBusy ? 'One moment…' : 'Start, and spend it'}
        </button>
      </div>
    </Dialog>
  );
}
