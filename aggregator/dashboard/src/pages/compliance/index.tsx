// What can be shown to an auditor: checks with their remedies, the score and how it is reckoned, times, privacy; and
// all of it as a report to print.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, must, type Schemas } from '../../api/client';
import { may, useMe } from '../../api/session';
import { count, newKey, percent, plural, words } from '../../lib/format';
import { duration, parse } from '../../lib/time';
import { Chart } from '../../components/chart';
import { Icon } from '../../components/icons';
import { Ago, Moment } from '../../components/marks';
import { Empty, Page, Panel, Shown, useInvalidate } from '../../components/shown';
import { say, sayProblem } from '../../components/toasts';
import { useSearchState } from '../../app/router';
import { csvOf, saveCsv } from './csv';
import { Privacy } from './privacy';

type Check = Schemas['CheckBody'];
const ORDER = ['fail', 'warn', 'unknown', 'pass'];

export default function Compliance() {
  const checks = useQuery({ queryKey: ['checks'], queryFn: () => must(api.GET('/api/security/checks')), refetchInterval: 60_000 });
  const save = () => {
    const rows = (checks.data?.checks ?? []).map((one) => [one.id, one.title, one.result, one.summary, one.remedy ?? '', one.requirements.map((of) => of.id).join('; '), one.weight, one.checked_at]);
    saveCsv(csvOf(['id', 'title', 'result', 'summary', 'remedy', 'requirements', 'weight', 'checked_at'], rows), 'fieldward-checks.csv');
  };
  return (
    <Page
      title="Compliance"
      actions={
        <span className="row no-print">
          <button className="button" onClick={save} disabled={!checks.data}>
            <Icon name="export" /> CSV
          </button>
          <button className="button" onClick={() => print()}>
            Print the report
          </button>
        </span>
      }
    >
      <div className="grid">
        <Panel title="Score" className="w5">
          <Score />
        </Panel>
        <Panel title="How fast alerts are taken up" className="w7">
          <Kpi />
        </Panel>
        <Panel title="Checks" className="w12" flush>
          <Shown query={checks} lines={10} empty={(data) => data.checks.length === 0 && <Empty title="No checks" />}>
            {(data) => <Checks all={data.checks} />}
          </Shown>
        </Panel>
        <Panel title="Requirements" className="w6" flush>
          <Requirements />
        </Panel>
        <Panel title="Goals" className="w6" flush>
          <Goals />
        </Panel>
        <Panel title="Privacy" className="w12">
          <Privacy />
        </Panel>
      </div>
    </Page>
  );
}

function Score() {
  const score = useQuery({ queryKey: ['compliance'], queryFn: () => must(api.GET('/api/security/compliance-score', { params: { query: { range: '30d' } } })) });
  return (
    <Shown query={score} lines={5}>
      {(data) => {
        const round = 2 * Math.PI * 52;
        return (
          <div className="stack">
            <div className="row">
              <svg className="ring" viewBox="0 0 120 120" role="img" aria-label={data.score == null ? 'Score not known' : `Score ${data.score} of 100`}>
                <circle cx="60" cy="60" r="52" />
                <circle className="full" cx="60" cy="60" r="52" transform="rotate(-90 60 60)" strokeDasharray={`${((data.score ?? 0) / 100) * round} ${round}`} />
                <text x="60" y="70">
                  {data.score == null ? '–' : Math.round(data.score)}
                </text>
              </svg>
              <ul className="stack">
                <li className="result pass">{data.passed} pass</li>
                <li className="result warn">{data.warned} warn</li>
                <li className="result fail">{data.failed} fail</li>
                <li className="result unknown">{data.unknown} not known</li>
              </ul>
            </div>
            <p className="small dim">
              {data.standard}. {data.formula}.
            </p>
            {data.history.length > 1 && <Chart label="Score over 30 days" height={100} top={100} series={[{ name: 'score', tone: 's1', points: data.history.map((one) => [parse(one.timestamp), one.score ?? null] as const) }]} write={(value) => (value === null ? '–' : String(Math.round(value)))} />}
          </div>
        );
      }}
    </Shown>
  );
}

function Checks({ all }: { all: readonly Check[] }) {
  const [search, set] = useSearchState();
  const only = search['result'];
  const shown = [...all].filter((one) => !only || one.result === only).sort((a, b) => ORDER.indexOf(a.result) - ORDER.indexOf(b.result) || b.weight - a.weight);
  return (
    <>
      <div className="inset row no-print" role="group" aria-label="Results">
        {ORDER.map((one) => (
          <button key={one} className="button tiny" aria-pressed={only === one} onClick={() => set({ result: only === one ? undefined : one })}>
            {words(one)} {all.filter((check) => check.result === one).length}
          </button>
        ))}
      </div>
      <ul className="checks">
        {shown.map((one) => (
          <li key={one.id}>
            <CheckRow of={one} isOpen={search['check'] === one.id} />
          </li>
        ))}
      </ul>
    </>
  );
}

function CheckRow({ of, isOpen }: { of: Check; isOpen: boolean }) {
  const me = useMe();
  const invalidate = useInvalidate();
  const [isBusy, setBusy] = useState(false);
  const run = () => {
    setBusy(true);
    must(api.POST('/api/security/checks/{check_id}/run', { params: { path: { check_id: of.id }, header: { 'idempotency-key': newKey() } } }))
      .then((now) => {
        say(`${now.title}: ${now.result}. ${now.summary}.`);
        invalidate('checks', 'compliance');
      })
      .catch(sayProblem)
      .finally(() => setBusy(false));
  };
  return (
    <details open={isOpen}>
      <summary>
        <span className={`result ${of.result}`}>{words(of.result)}</span>
        <span>
          <b>{of.title}</b> <span className="dim">{of.summary}</span>
        </span>
        <span className="small dim">{of.requirements.map((one) => one.id).join(', ')}</span>
      </summary>
      <div className="inside">
        <p>Looks at {of.about}.</p>
        {of.remedy && of.result !== 'pass' && (
          <p className="note">
            <Icon name="info" />
            <span>
              <b>What to do:</b> {of.remedy}
            </span>
          </p>
        )}
        <p className="row small">
          {of.requirements.map((one) => (
            <span key={one.id} className="chip">
              {one.id} {one.name}
            </span>
          ))}
        </p>
        {Object.keys(of.evidence).length > 0 && (
          <pre className="record small" tabIndex={0} aria-label={`Evidence of ${of.title}`}>
            {JSON.stringify(of.evidence, null, 2)}
          </pre>
        )}
        <p className="row">
          {may(me, 'analyst') && (
            <button className="button tiny" disabled={isBusy} onClick={run}>
              Check now
            </button>
          )}
          <span className="small dim">
            weighs {of.weight} · checked <Ago at={of.checked_at} />
          </span>
        </p>
      </div>
    </details>
  );
}

function Requirements() {
  const score = useQuery({ queryKey: ['compliance'], queryFn: () => must(api.GET('/api/security/compliance-score', { params: { query: { range: '30d' } } })) });
  return (
    <Shown query={score} lines={6}>
      {(data) => (
        <div className="inset">
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">Requirement</th>
                <th scope="col">Result</th>
                <th scope="col" className="right">
                  Checks
                </th>
              </tr>
            </thead>
            <tbody>
              {data.requirements.map((one) => (
                <tr key={one.id}>
                  <td>
                    <b>{one.id}</b> {one.name}
                  </td>
                  <td>
                    <span className={`result ${one.result}`}>{words(one.result)}</span>
                  </td>
                  <td className="right num">{one.checks.length}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Shown>
  );
}

function Kpi() {
  const kpi = useQuery({ queryKey: ['kpi'], queryFn: () => must(api.GET('/api/business/kpi', { params: { query: { range: '30d' } } })) });
  const half = (one?: Schemas['Spread'] | null) => (one?.p50_seconds == null ? '–' : duration(one.p50_seconds));
  return (
    <Shown query={kpi} lines={5}>
      {(data) => (
        <div className="stack">
          <dl className="figures">
            {[
              ['Half detected within', half(data.time_to_detect), plural(data.time_to_detect.count, 'alert')],
              ['Half taken up within', half(data.time_to_acknowledge), plural(data.time_to_acknowledge.count, 'alert')],
              ['Half closed within', half(data.time_to_resolve), plural(data.time_to_resolve.count, 'alert')],
              ['False positives', percent(data.false_positive_rate), 'of those closed'],
              ['Open', count(data.open), 'now'],
            ].map(([name, value, note]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd className="num">
                  {value} <span className="small dim">{note}</span>
                </dd>
              </div>
            ))}
          </dl>
          <div className="scroll-x" tabIndex={0} role="region" aria-label="Times by plant">
            <table className="plain">
              <thead>
                <tr>
                  <th scope="col">Plant</th>
                  <th scope="col" className="right">
                    Detected
                  </th>
                  <th scope="col" className="right">
                    Taken up
                  </th>
                  <th scope="col" className="right">
                    Closed
                  </th>
                </tr>
              </thead>
              <tbody>
                {data.facilities.map((one) => (
                  <tr key={one.name}>
                    <td>{one.name}</td>
                    <td className="right num">{half(one.time_to_detect)}</td>
                    <td className="right num">{half(one.time_to_acknowledge)}</td>
                    <td className="right num">{half(one.time_to_resolve)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <p className="small dim">
            30 days, from <Moment at={data.since} long />. {data.is_sample && 'Reckoned over a sample.'}
          </p>
        </div>
      )}
    </Shown>
  );
}

function Goals() {
  const sla = useQuery({ queryKey: ['sla'], queryFn: () => must(api.GET('/api/business/sla', { params: { query: { range: '30d' } } })) });
  return (
    <Shown
      query={sla}
      lines={6}
      empty={(data) => data.goals.every((one) => one.target_minutes == null) && <Empty title="No goals are set">{data.unknown['goals']}. Set them under [business] in the aggregator's configuration.</Empty>}
    >
      {(data) => (
        <div className="inset">
          <table className="plain">
            <thead>
              <tr>
                {['Severity', 'Goal', 'Within', 'Met', 'Late', 'Overdue', 'Share'].map((one) => (
                  <th key={one} scope="col">
                    {one}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.goals
                .filter((one) => one.target_minutes != null)
                .map((one) => (
                  <tr key={one.severity + one.goal}>
                    <td>{words(one.severity)}</td>
                    <td>{one.goal}</td>
                    <td className="num">{duration((one.target_minutes ?? 0) * 60)}</td>
                    <td className="num">{count(one.met)}</td>
                    <td className="num">{count(one.late)}</td>
                    <td className={`num ${one.overdue ? 'is-critical' : ''}`}>{count(one.overdue)}</td>
                    <td className="num">{percent(one.attainment)}</td>
                  </tr>
                ))}
            </tbody>
          </table>
        </div>
      )}
    </Shown>
  );
}
