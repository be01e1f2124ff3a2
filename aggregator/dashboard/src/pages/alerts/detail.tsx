// One alert: what happened, why we think so, what to do; the minute, the evidence, what belongs to it, who did what.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { api, must, type Schemas } from '../../api/client';
import { may, useMe } from '../../api/session';
import { Problem } from '../../api/problem';
import { count, percent } from '../../lib/format';
import { duration, iso, parse } from '../../lib/time';
import { useBatches } from '../../live';
import { AlertList } from '../../components/alert-list';
import { Go } from '../../components/go';
import { Icon } from '../../components/icons';
import { useKeys } from '../../components/keys';
import { Ago, Moment, SeverityMark, StatusMark } from '../../components/marks';
import { Shown, useInvalidate } from '../../components/shown';
import { sayProblem, say } from '../../components/toasts';
import { type Act, ACTS, ReasonDialog } from './acts';
import { adviceFor } from './advice';
import { Evidence } from './evidence';
import { History } from './history';
import { Next } from './next';
import { Sources } from './sources';
import { Timeline } from './timeline';

type Alert = Schemas['Alert'];

interface Held {
  alert: Alert;
  tag: string;
}

async function read(id: string): Promise<Held> {
  let tag = '';
  const alert = await must(
    api.GET('/api/alerts/{alert_id}', { params: { path: { alert_id: id } } }).then((answer) => {
      tag = answer.response.headers.get('etag') ?? '';
      return answer;
    }),
  );
  return { alert, tag };
}

interface Props {
  id: string;
  onClose?: () => void;
  onStep?: (by: number) => void;
}

export function Detail({ id, onClose, onStep }: Props) {
  const held = useQuery({ queryKey: ['alert', id], queryFn: () => read(id) });
  useBatches(({ events }) => {
    if (events.some((one) => one.channel === 'alerts' && (one.data as Alert).id === id)) void held.refetch();
  });
  useKeys('The alert', onStep ? [{ key: ']', label: 'Next alert', run: () => onStep(1) }, { key: '[', label: 'Previous alert', run: () => onStep(-1) }] : []);
  return (
    <article className="alert" key={id}>
      <Shown query={held} lines={12}>
        {(data) => <Body held={data} onClose={onClose} onStep={onStep} isAlone={!onClose} />}
      </Shown>
    </article>
  );
}

const TABS = ['What happened', 'Evidence', 'History'] as const;

function Body({ held, onClose, onStep, isAlone }: { held: Held; isAlone: boolean } & Omit<Props, 'id'>) {
  const { alert } = held;
  const [tab, setTab] = useState<(typeof TABS)[number]>('What happened');
  useEffect(() => setTab('What happened'), [alert.id]);
  const advice = adviceFor(alert.tactic);
  return (
    <>
      <header className={`alert-head edge-${alert.severity}`}>
        <div className="row">
          <SeverityMark of={alert.severity} />
          <StatusMark of={alert.status} />
          <span className="dim small">
            <Ago at={alert.last_seen} />
          </span>
          <span className="push" />
          {onStep && (
            <>
              <button className="button plain tiny icon-button" onClick={() => onStep(-1)} aria-label="Previous alert">
                <Icon name="up" />
              </button>
              <button className="button plain tiny icon-button" onClick={() => onStep(1)} aria-label="Next alert">
                <Icon name="down" />
              </button>
            </>
          )}
          {!isAlone && (
            <Go to={`/alerts/${alert.id}`} className="button plain tiny" title="The alert on a page of its own">
              Own page
            </Go>
          )}
          {onClose && (
            <button className="button plain tiny icon-button" onClick={onClose} aria-label="Close the alert">
              <Icon name="close" />
            </button>
          )}
        </div>
        <h1 className="alert-title">{alert.title}</h1>
        <p className="row">
          <Go to={`/facilities/${alert.facility_id}`} className="chip">
            <Icon name="facilities" /> {alert.facility_id}
          </Go>
          {alert.attack_type && (
            <Go to="/attack" search={{ technique: alert.attack_type }} className="chip">
              <code>{alert.attack_type}</code> {alert.attack_name}
            </Go>
          )}
          {alert.tactic && <span className="chip">{alert.tactic.replaceAll('-', ' ')}</span>}
          <span className="chip">{alert.protocol}</span>
          {alert.maintenance && <span className="chip">in maintenance: {alert.maintenance}</span>}
        </p>
        <Acts held={held} />
      </header>
      <div className="tabs" role="tablist" aria-label="About the alert">
        {TABS.map((one) => (
          <button key={one} role="tab" aria-selected={tab === one} onClick={() => setTab(one)}>
            {one}
          </button>
        ))}
      </div>
      {tab === 'What happened' && (
        <div className="alert-body">
          <section>
            <h2>What happened</h2>
            <p className="lead">{alert.description}</p>
            <Facts alert={alert} />
          </section>
          <section>
            <h2>The minute</h2>
            <Timeline id={alert.id} sources={alert.sources} />
          </section>
          <section>
            <h2>Why we think so</h2>
            <p>
              {alert.correlation_summary.charAt(0).toUpperCase() + alert.correlation_summary.slice(1)}. Together they are <b>{percent(alert.correlation_confidence)}</b> sure.
            </p>
            <Sources sources={alert.sources} />
          </section>
          <section>
            <h2>What to do</h2>
            <p>{advice.meaning}</p>
            {advice.isProcess && (
              <p className="note warn">
                <Icon name="alerts" />
                <span>The process comes first: cut nothing off that operators need to see or to steer it.</span>
              </p>
            )}
            <ol className="steps">
              {advice.steps.map((one) => (
                <li key={one}>{one}</li>
              ))}
            </ol>
          </section>
          <Next alert={alert} />
          <Related alert={alert} />
        </div>
      )}
      {tab === 'Evidence' && <Evidence alert={alert} />}
      {tab === 'History' && <History alert={alert} />}
    </>
  );
}

function Facts({ alert }: { alert: Alert }) {
  const lasted = (parse(alert.last_seen) - parse(alert.first_seen)) / 1000;
  return (
    <dl className="facts">
      <dt>From</dt>
      <dd className="row">{alert.src_assets.length ? alert.src_assets.map((one) => <Asset key={one} of={one} />) : 'nobody in particular'}</dd>
      <dt>To</dt>
      <dd className="row">
        {alert.dst_assets.length === 0 && 'nobody in particular'}
        {alert.dst_assets.slice(0, 12).map((one) => (
          <Asset key={one} of={one} />
        ))}
        {alert.dst_assets.length > 12 && <span className="dim">and {alert.dst_assets.length - 12} more</span>}
      </dd>
      <dt>First, last</dt>
      <dd>
        <Moment at={alert.first_seen} long /> {lasted >= 1 && <span className="dim">for {duration(lasted)}</span>}
      </dd>
      <dt>How often</dt>
      <dd>{alert.count === 1 ? 'once' : `${count(alert.count)} findings, one alert`}</dd>
    </dl>
  );
}

function Asset({ of }: { of: string }) {
  return (
    <Go to="/alerts" search={{ search: of, tab: 'all' }} className="chip mono" title="All alerts with this address">
      {of}
    </Go>
  );
}

/** What can be done, with the state that was seen: whoever was slower is told. */
function Acts({ held: { alert, tag } }: { held: Held }) {
  const me = useMe();
  const invalidate = useInvalidate();
  const [act, setAct] = useState<Act | null>(null);
  const [race, setRace] = useState<{ act: Act; reason: string; current: Alert | null } | null>(null);
  if (!may(me, 'analyst')) return null;
  const isClosed = alert.status === 'resolved' || alert.status === 'false-positive';
  const perform = async (one: Act, reason: string, isForced = false) => {
    const { status } = ACTS[one];
    try {
      await must(
        api.PUT('/api/alerts/{alert_id}/status', {
          params: { path: { alert_id: alert.id }, header: isForced ? {} : { 'if-match': tag } },
          body: { status: status as 'acknowledged', ...(reason ? { reason } : {}) },
        }),
      );
      say(`Alert ${ACTS[one].done}.`);
      setRace(null);
    } catch (error) {
      const problem = Problem.from(error);
      if (problem.status !== 412) throw problem;
      setRace({ act: one, reason, current: (problem.body.details as { current?: Alert } | null)?.current ?? null });
    } finally {
      invalidate('alert', 'alert-stats');
    }
  };
  return (
    <div className="row acts">
      {alert.status === 'new' && (
        <button className="button main" onClick={() => void perform('acknowledge', '').catch(sayProblem)}>
          Acknowledge
        </button>
      )}
      {alert.status !== 'resolved' && (
        <button className="button" onClick={() => setAct('resolve')}>
          {isClosed ? 'It was right after all' : 'It was right: resolve'}
        </button>
      )}
      {alert.status !== 'false-positive' && (
        <button className="button" onClick={() => setAct('dismiss')}>
          {isClosed ? 'It was nothing after all' : 'It was nothing'}
        </button>
      )}
      <span className="small dim">Your verdict is what the plant learns from.</span>
      {act && <ReasonDialog act={act} count={1} about={alert.title} onClose={() => setAct(null)} onDone={(reason) => perform(act, reason)} />}
      {race && (
        <div className="note warn" role="alert">
          <Icon name="info" />
          <div>
            <b>Somebody was faster.</b> This alert has changed since you opened it{race.current ? `: it is ${race.current.status} now` : ''}. Look at its history before you do yours.
          </div>
          <button className="button tiny" onClick={() => void perform(race.act, race.reason, true).catch(sayProblem)}>
            {ACTS[race.act].title} all the same
          </button>
          <button className="button plain tiny" onClick={() => setRace(null)}>
            Leave it
          </button>
        </div>
      )}
    </div>
  );
}

/** The same source or target within an hour. */
function Related({ alert }: { alert: Alert }) {
  const asset = alert.src_assets[0] ?? alert.dst_assets[0];
  const at = parse(alert.timestamp);
  const query = { facility: alert.facility_id, search: asset, since: iso(at - 36e5), until: iso(at + 36e5), limit: 12 };
  const found = useQuery({ queryKey: ['alert', alert.id, 'related'], queryFn: () => must(api.GET('/api/alerts', { params: { query } })), enabled: asset !== undefined });
  if (!asset) return null;
  const { limit: _, ...search } = query;
  return (
    <section>
      <h2>What belongs to it</h2>
      <Shown query={found} lines={3} empty={(data) => data.alerts.length <= 1 && <p className="dim">No other alert with {asset} within an hour of it.</p>}>
        {(data) => (
          <>
            <AlertList all={data.alerts.filter((one) => one.id !== alert.id)} />
            <p className="small">
              <Go to="/alerts" search={{ ...search, tab: 'all' }}>
                All with {asset} in these two hours
              </Go>{' '}
              ·{' '}
              <Go to="/incidents" search={{ facility: alert.facility_id }}>
                Incidents of {alert.facility_id}
              </Go>
            </p>
          </>
        )}
      </Shown>
    </section>
  );
}
