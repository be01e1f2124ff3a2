// What belongs together, as the aggregator puts it together: each incident along the kill chain and along time, and
// what may come next of it.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { api, must, type Schemas } from '../../api/client';
import { count, few, plural } from '../../lib/format';
import { knownOf, type Known, type Tactic, TACTICS, useGraph } from '../../lib/tactics';
import { duration, parse } from '../../lib/time';
import { Go } from '../../components/go';
import { Moment, SeverityMark } from '../../components/marks';
import { Empty, Page, Panel, Shown } from '../../components/shown';
import { useSearchState } from '../../app/router';
import { Story } from './story';

type Incident = Schemas['Incident'];

const STEP = 50;
const MOST = 500;

export default function Incidents() {
  const [search, set] = useSearchState();
  const { facility } = search;
  const limit = Math.min(MOST, Number(search['most']) || STEP);
  const list = useQuery({
    queryKey: ['incidents', facility ?? '', limit],
    queryFn: () => must(api.GET('/api/incidents', { params: { query: { facility, limit } } })),
    placeholderData: keepPreviousData,
  });
  const graph = useGraph();
  const known = useMemo(() => knownOf(graph.data), [graph.data]);
  const all = list.data?.incidents ?? [];
  const stories = all.filter((one) => one.alert_count > 1);
  const singles = all.filter((one) => one.alert_count === 1);
  const open = search['incident'] ?? stories[0]?.id;
  const isElsewhere = search['incident'] && list.data && !all.some((one) => one.id === open);
  return (
    <Page
      title="Incidents"
      actions={
        facility && (
          <button className="button tiny picked" onClick={() => set({ facility: undefined })}>
            {facility} ×
          </button>
        )
      }
    >
      <Shown query={list} lines={10} empty={(data) => data.incidents.length === 0 && !isElsewhere && <Empty icon="check" title="Nothing happened">Alerts that belong together become an incident here; there is none{facility ? ` at ${facility}` : ''}.</Empty>}>
        {(data) => (
          <>
            <p className="dim">
              {plural(data.total, 'incident')}, the latest first. What the same hosts of a plant are part of belongs together.
            </p>
            {isElsewhere && open && <Linked id={open} known={known} />}
            {stories.map((one) => (
              <Card key={one.id} of={one} known={known} isOpen={one.id === open} toggle={() => set({ incident: one.id === open ? 'none' : one.id })} />
            ))}
            {singles.length > 0 && <Singles all={singles} known={known} />}
            {data.total > data.incidents.length && limit < MOST && (
              <button className="button" disabled={list.isPlaceholderData} onClick={() => set({ most: String(limit + STEP * 2) })}>
                Earlier ones
              </button>
            )}
          </>
        )}
      </Shown>
    </Page>
  );
}

/** One that a link leads to, and that is not among the latest. */
function Linked({ id, known }: { id: string; known: ReadonlyMap<string, Known> }) {
  const one = useQuery({ queryKey: ['incidents', 'one', id], queryFn: () => must(api.GET('/api/incidents/{incident_id}', { params: { path: { incident_id: id } } })), enabled: id !== 'none' });
  if (id === 'none') return null;
  return <Shown query={one}>{(data) => <Card of={data} known={known} isOpen />}</Shown>;
}

/** What stayed at one alert: a line each. */
function Singles({ all, known }: { all: readonly Incident[]; known: ReadonlyMap<string, Known> }) {
  return (
    <Panel title="Single alerts" note={`${plural(all.length, 'incident')} of one alert`} flush>
      <ul className="urgent">
        {all.map((one) => (
          <li key={one.id}>
            <SeverityMark of={one.severity} />
            <Go to="/incidents" search={{ incident: one.id }} className="cut">
              {headline(one, known)}
            </Go>
            <span className="dim small cut">{one.facility_id}</span>
            <Moment at={one.first_seen} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** Its tactics in words, in the order in which they were seen. */
function headline(of: Incident, known: ReadonlyMap<string, Known>): string {
  const names = of.techniques.map((one) => known.get(one.technique_id)?.tactic).map((id) => TACTICS.find(([one]) => one === id)?.[1]);
  const steps = [...new Set(names.filter((name) => name !== undefined))];
  const said = steps.length > 0 ? steps.join(', then ') : few(of.techniques.map((one) => one.technique_id));
  return of.techniques.length > 0 ? said.charAt(0) + said.slice(1).toLowerCase() : 'Unusual, no technique named';
}

function Card({ of, known, isOpen, toggle }: { of: Incident; known: ReadonlyMap<string, Known>; isOpen: boolean; toggle?: () => void }) {
  const seconds = (parse(of.last_seen) - parse(of.first_seen)) / 1000;
  return (
    <article className={`incident edge-${of.severity}`} id={of.id}>
      <header>
        <SeverityMark of={of.severity} />
        <h2>
          {of.facility_id}: {headline(of, known)}
        </h2>
        <span className="dim small">
          <Moment at={of.first_seen} /> · {seconds >= 1 ? `${duration(seconds)} long` : 'a moment'}
        </span>
        {toggle && (
          <button className="button tiny" aria-expanded={isOpen} onClick={toggle}>
            {isOpen ? 'Less' : 'Its story'}
          </button>
        )}
      </header>
      <p className="dim">
        {plural(of.alert_count, 'alert')} · {plural(of.techniques.length, 'technique')} · {few(of.assets, 4)}
      </p>
      <Chain of={of} known={known} />
      {isOpen && <Story id={of.id} known={known} />}
    </article>
  );
}

function Chain({ of, known }: { of: Incident; known: ReadonlyMap<string, Known> }) {
  const seen = new Map<Tactic, string[]>();
  for (const one of of.techniques) {
    const tactic = known.get(one.technique_id)?.tactic;
    if (tactic) seen.set(tactic, [...(seen.get(tactic) ?? []), one.technique_id]);
  }
  return (
    <ol className="chain" aria-label="Kill chain" tabIndex={0}>
      {TACTICS.map(([id, name]) => {
        const techniques = seen.get(id);
        return (
          <li key={id} className={techniques ? 'seen' : ''}>
            {techniques ? <b>{name}</b> : name}
            {techniques && <span title={techniques.map((one) => known.get(one)?.name).join(', ')}>{techniques.length > 2 ? `${count(techniques.length)} techniques` : techniques.join(', ')}</span>}
          </li>
        );
      })}
    </ol>
  );
}
