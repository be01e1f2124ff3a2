// What somebody does to alerts: one with the state he saw, many as a job that can be undone.
import { useState } from 'react';
import { api, must, type Schemas } from '../../api/client';
import { newKey, plural } from '../../lib/format';
import { Dialog } from '../../components/dialog';
import { say, sayProblem } from '../../components/toasts';
import type { Status } from '../../components/marks';

export type Act = 'acknowledge' | 'resolve' | 'dismiss';

export const ACTS: Record<Act, { title: string; done: string; status: Status; key: string }> = {
  acknowledge: { title: 'Acknowledge', done: 'acknowledged', status: 'acknowledged', key: 'a' },
  resolve: { title: 'Resolve', done: 'resolved', status: 'resolved', key: 'r' },
  dismiss: { title: 'False positive', done: 'dismissed as false positive', status: 'false-positive', key: 'f' },
};

/** Why alerts are dismissed, mostly. The first letters of the reason; more words follow. */
const REASONS: Record<'resolve' | 'dismiss', string[]> = {
  resolve: ['Attack contained', 'Handed to incident response', 'Penetration test', 'Operator error'],
  dismiss: ['Expected maintenance', 'Normal for this plant', 'Detector too sensitive', 'Duplicate'],
};

/** What was typed and not sent: it is there again when the dialog is. */
const drafts: Partial<Record<Act, string>> = {};

interface Props {
  act: Act;
  count: number;
  about: string;
  onClose: () => void;
  onDone: (reason: string) => Promise<void>;
}

/** Asks why. What is typed stays when it could not be sent. */
export function ReasonDialog({ act, count, about, onClose, onDone }: Props) {
  const [text, setText] = useState(drafts[act] ?? '');
  const [isBusy, setBusy] = useState(false);
  const write = (next: string) => {
    drafts[act] = next;
    setText(next);
  };
  const isAsked = act !== 'acknowledge';
  return (
    <Dialog title={`${ACTS[act].title}: ${plural(count, 'alert')}`} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          setBusy(true);
          onDone(text.trim())
            .then(() => {
              delete drafts[act];
              onClose();
            })
            .catch(sayProblem)
            .finally(() => setBusy(false));
        }}
      >
        <p className="dim">{about}</p>
        {isAsked && (
          <div className="row" role="group" aria-label="Usual reasons">
            {REASONS[act].map((one) => (
              <button key={one} type="button" className="button tiny" aria-pressed={text.startsWith(one)} onClick={() => write(one)}>
                {one}
              </button>
            ))}
          </div>
        )}
        <label className="field">
          <span>Why{act === 'dismiss' ? '' : ' (may be left empty)'}</span>
          <textarea className="input" value={text} maxLength={1000} required={act === 'dismiss'} autoFocus onChange={(event) => write(event.target.value)} />
          <small>
            {act === 'dismiss'
              ? 'The plant learns from this: what these alerts showed counts as nothing from now on.'
              : act === 'resolve'
                ? 'The plant learns from this: these alerts were right. A technique in the reason (T0836) says what it was.'
                : 'Others see that you are at it.'}
          </small>
        </label>
        <div className="actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button className="button main" disabled={isBusy}>
            {isBusy ? 'One moment…' : ACTS[act].title}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

type Job = Schemas['JobBody'];
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

async function followed(job: Job, onStep: (job: Job) => void): Promise<Job> {
  for (let nth = 0; job.state !== 'done' && job.state !== 'failed' && !job.finished && nth < 2000; nth++) {
    await pause(Math.min(150 + nth * 50, 1500));
    job = await must(api.GET('/api/jobs/{job_id}', { params: { path: { job_id: job.id } } }));
    onStep(job);
  }
  return job;
}

const keyed = () => ({ header: { 'idempotency-key': newKey() } });

/** Does something to many alerts, says how far it is, and offers to undo it. */
export async function actOnMany(change: Schemas['BulkChange'], onEnd: () => void): Promise<void> {
  const { done } = ACTS[change.action];
  let job = await must(api.POST('/api/alerts/bulk', { params: keyed(), body: change }));
  const drop = job.total > 200 ? say(`${plural(job.total, 'alert')}: at work…`, { ms: 600_000 }) : () => undefined;
  void followed(job, (at) => (job = at))
    .then((end) => {
      const failed = end.failed.length;
      const changed = end.results['changed'] ?? end.done - failed;
      const words = `${plural(changed, 'alert')} ${done}.${failed ? ` ${failed} were not: ${[...new Set(end.failed.map((one) => one.code))].join(', ')}.` : ''}`;
      const undo = async () => {
        const back = await must(api.POST('/api/jobs/{job_id}/undo', { params: { path: { job_id: end.id }, ...keyed() } }));
        const was = await followed(back, () => undefined);
        say(`Undone: ${plural(was.done, 'alert')} as before.`);
        onEnd();
      };
      const action = end.undo_until ? { label: 'Undo', run: () => void undo().catch(sayProblem) } : undefined;
      lastUndo = action?.run ?? null;
      say(words, { isBad: failed > 0, ms: 15_000, action });
    })
    .catch(sayProblem)
    .finally(() => {
      drop();
      onEnd();
    });
}

let lastUndo: (() => void) | null = null;

/** `u`. */
export function undoLast(): void {
  if (lastUndo) lastUndo();
  else say('There is nothing to undo.');
  lastUndo = null;
}
