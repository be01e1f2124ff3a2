// What the queue shows: severities, plants, statuses, times, words; saved views; export.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { api, download, must } from '../../api/client';
import { now } from '../../lib/clock';
import { setPrefs, usePrefs } from '../../lib/prefs';
import { listed, type Search, toggled, writeSearch } from '../../lib/search';
import { Dialog, Menu } from '../../components/dialog';
import { Icon } from '../../components/icons';
import { SEVERITIES, SEVERITY_SHAPE, type Severity, STATUSES, statusWord } from '../../components/marks';
import { say, sayProblem } from '../../components/toasts';
import { useSearchState } from '../../app/router';
import { askedOf, FIELDS, frozen, isNarrowed, severitiesOf } from './filter';

const RANGES = [['', 'Any time'], ['15m', 'Last 15 min'], ['1h', 'Last hour'], ['24h', 'Last 24 hours'], ['7d', 'Last 7 days'], ['30d', 'Last 30 days']] as const;

function SearchBox() {
  const [search, set] = useSearchState();
  const [text, setText] = useState(search['search'] ?? '');
  const sent = useRef(search['search'] ?? '');
  useEffect(() => {
    const next = search['search'] ?? '';
    if (next !== sent.current) {
      sent.current = next;
      setText(next);
    }
  }, [search]);
  useEffect(() => {
    if (text === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = text;
      set({ search: text });
    }, 350);
    return () => clearTimeout(timer);
  }, [text, set]);
  return (
    <label className="searchbox">
      <Icon name="search" />
      <span className="hidden">Search title, description, technique, protocol and addresses</span>
      <input className="input" type="search" maxLength={200} placeholder="Address, technique, words" value={text} onChange={(event) => setText(event.target.value)} />
    </label>
  );
}

function Severities({ search, set, counts }: { search: Search; set: (change: Record<string, string>) => void; counts?: Record<string, number> }) {
  const on = search['severity'] ? severitiesOf(search['severity']) : [];
  return (
    <div className="segments" role="group" aria-label="Severity">
      {SEVERITIES.map((one: Severity) => (
        <button key={one} type="button" aria-pressed={on.includes(one)} onClick={() => set({ severity: toggled(on.join(','), one) })} title={`${one}${counts ? `: ${counts[one] ?? 0} in all` : ''}`}>
          <svg viewBox="0 0 16 16" className={`is-${one}`} aria-hidden="true">
            <path d={SEVERITY_SHAPE[one]} fillRule="evenodd" />
          </svg>
          {one.charAt(0).toUpperCase() + one.slice(1)}
        </button>
      ))}
    </div>
  );
}

function Choice({ label, all, on, toggle }: { label: string; all: readonly (readonly [string, string])[]; on: readonly string[]; toggle: (one: string) => void }) {
  const names = all.filter(([id]) => on.includes(id)).map(([, name]) => name);
  return (
    <Menu label={names.length ? `${label}: ${names.length > 1 ? names.length : names[0]}` : label} className={`tiny ${names.length ? 'picked' : ''}`}>
      {all.map(([id, name]) => (
        <button key={id} type="button" className="menu-item" aria-pressed={on.includes(id)} onClick={() => toggle(id)}>
          <span className="cut">{name}</span>
          {on.includes(id) && <Icon name="check" />}
        </button>
      ))}
    </Menu>
  );
}

function Views({ search }: { search: Search }) {
  const { views } = usePrefs();
  const [, set] = useSearchState();
  const [isNaming, setNaming] = useState(false);
  const [name, setName] = useState('');
  const { open: _, ...rest } = search;
  const text = writeSearch(rest);
  const show = (view: string) => {
    const next = Object.fromEntries(new URLSearchParams(view));
    set(Object.fromEntries([...FIELDS, 'tab', 'open'].map((field) => [field, next[field]])), { push: true });
  };
  return (
    <>
      <Menu icon="bookmark" label={<span className="wide-text">Views</span>} className="tiny">
        {BUILT_IN.map((view) => (
          <button key={view.name} type="button" className="menu-item" onClick={() => show(view.search)}>
            {view.name}
          </button>
        ))}
        {views.map((view) => (
          <span key={view.name} className="row nowrap">
            <button type="button" className="menu-item" onClick={() => show(view.search)}>
              <span className="cut">{view.name}</span>
            </button>
            <button type="button" className="button plain tiny icon-button" aria-label={`Forget the view ${view.name}`} onClick={() => setPrefs({ views: views.filter((one) => one !== view) })}>
              <Icon name="close" />
            </button>
          </span>
        ))}
        <button type="button" className="menu-item" onClick={() => setNaming(true)}>
          <b>Save this view…</b>
        </button>
      </Menu>
      {isNaming && (
        <Dialog title="Save this view" onClose={() => setNaming(false)}>
          <form
            className="stack"
            onSubmit={(event) => {
              event.preventDefault();
              setPrefs({ views: [...views.filter((one) => one.name !== name.trim()), { name: name.trim(), search: text }] });
              setNaming(false);
              setName('');
              say('Saved for this browser. Its link works for everybody.');
            }}
          >
            <label className="field">
              <span>Name</span>
              <input className="input" required maxLength={40} autoFocus value={name} onChange={(event) => setName(event.target.value)} />
            </label>
            <code className="small dim">{text || 'all open alerts'}</code>
            <div className="actions">
              <button className="button main">Save</button>
            </div>
          </form>
        </Dialog>
      )}
    </>
  );
}

const BUILT_IN = [
  { name: 'Open, newest first', search: '' },
  { name: 'Critical and high, 24 hours', search: '?severity=gte:high&range=24h' },
  { name: 'Nobody has looked yet', search: '?status=new' },
  { name: 'Dismissed in the last week', search: '?tab=closed&status=false-positive&range=7d' },
];

const FORMATS = [['csv', 'CSV table'], ['ndjson', 'JSON lines'], ['stix', 'STIX 2.1 bundle'], ['ocsf', 'OCSF findings'], ['layer', 'ATT&CK Navigator layer']] as const;

function Export({ search }: { search: Search }) {
  const { zone } = usePrefs();
  const save = (format: string) => {
    // Tables are read by people, who have their zone; what programs read is in UTC.
    const tz = format === 'csv' && zone === 'local' ? { tz: Intl.DateTimeFormat().resolvedOptions().timeZone } : {};
    const query = writeSearch({ ...askedOf(search), format, ...tz });
    const ending = { csv: 'csv', ndjson: 'ndjson', stix: 'json', ocsf: 'ndjson', layer: 'json' }[format] ?? 'txt';
    download(`/api/alerts/export${query}`, `fieldward-alerts-${new Date(now()).toISOString().slice(0, 16).replaceAll(':', '')}.${ending}`).catch(sayProblem);
  };
  return (
    <Menu icon="export" label={<span className="wide-text">Export</span>} className="tiny">
      {FORMATS.map(([format, name]) => (
        <button key={format} type="button" className="menu-item" onClick={() => save(format)}>
          {name}
        </button>
      ))}
    </Menu>
  );
}

function CopyLink({ search }: { search: Search }) {
  const copy = () => {
    const link = `${location.origin}/alerts${writeSearch(frozen(search, now()))}`;
    navigator.clipboard.writeText(link).then(
      () => say('Link copied. It shows the same time tomorrow.'),
      () => say(<code>{link}</code>, { ms: 20_000 }),
    );
  };
  return (
    <button type="button" className="button tiny" onClick={copy} title="Copy a link to what you see">
      <Icon name="link" />
      <span className="wide-text">Link</span>
    </button>
  );
}

export function Filters() {
  const [search, set] = useSearchState();
  const plants = useQuery({ queryKey: ['facilities'], queryFn: () => must(api.GET('/api/facilities')), staleTime: 60_000 });
  const stats = useQuery({ queryKey: ['alert-stats'], queryFn: () => must(api.GET('/api/alerts/stats')) });
  const clear = Object.fromEntries(FIELDS.map((field) => [field, undefined]));
  const statuses = STATUSES.map((one) => [one, statusWord(one)] as const);
  return (
    <div className="filters">
      <SearchBox />
      <Severities search={search} set={set} counts={stats.data?.by_severity} />
      <Choice label="Plant" all={(plants.data?.facilities ?? []).map((one) => [one.id, one.name] as const)} on={listed(search['facility'])} toggle={(one) => set({ facility: toggled(search['facility'], one) })} />
      <Choice label="Status" all={statuses} on={listed(search['status'])} toggle={(one) => set({ status: toggled(search['status'], one) })} />
      <Choice label={search['since'] || search['until'] ? 'Fixed times' : 'Time'} all={RANGES} on={search['range'] ? [search['range']] : []} toggle={(one) => set({ range: one, since: undefined as never, until: undefined as never })} />
      {search['technique'] && (
        <button type="button" className="button tiny picked" onClick={() => set({ technique: '' })}>
          {search['technique']} <Icon name="close" />
        </button>
      )}
      {isNarrowed(search) && (
        <button type="button" className="button plain tiny" onClick={() => set(clear as Record<string, string | undefined>)}>
          Clear
        </button>
      )}
      <span className="push" />
      <Views search={search} />
      <Export search={search} />
      <CopyLink search={search} />
    </div>
  );
}
