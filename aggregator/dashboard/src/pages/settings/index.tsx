// What one chooses for oneself, and what administrators decide: users, keys, enrolment, the trail, retention, outputs.
import { useSearchState } from '../../app/router';
import { may, useMe } from '../../api/session';
import { setPrefs, usePrefs } from '../../lib/prefs';
import { Page, Panel } from '../../components/shown';
import { Audit } from './audit';
import { Keys } from './keys';
import { Retention } from './retention';
import { Demo } from './demo';
import { Training } from './training';
import { Users } from './users';

const TABS = [
  ['mine', 'This browser', 'viewer', Mine],
  ['users', 'Users', 'admin', Users],
  ['keys', 'Keys', 'admin', Keys],
  ['training', 'Training', 'engineer', Training],
  ['audit', 'Audit', 'admin', Audit],
  ['data', 'Data and integrations', 'viewer', Retention],
  ['demo', 'Demo', 'viewer', Demo],
] as const;

export default function Settings() {
  const me = useMe();
  const [search, set] = useSearchState();
  const shown = TABS.filter(([, , role]) => may(me, role));
  const [id, , , Body] = shown.find(([one]) => one === search['tab']) ?? shown[0] ?? TABS[0];
  return (
    <Page title="Settings">
      <div className="tabs" role="tablist" aria-label="Settings">
        {shown.map(([one, title]) => (
          <button key={one} role="tab" aria-selected={one === id} onClick={() => set({ tab: one === 'mine' ? undefined : one })}>
            {title}
          </button>
        ))}
      </div>
      <div className="column">
        <Body />
      </div>
    </Page>
  );
}

function Mine() {
  const prefs = usePrefs();
  return (
    <Panel title="How this page looks and behaves here">
      <div className="stack">
        <fieldset className="row">
          <legend className="label">Theme</legend>
          {(['auto', 'light', 'dark'] as const).map((one) => (
            <label key={one} className="check">
              <input type="radio" name="theme" checked={prefs.theme === one} onChange={() => setPrefs({ theme: one })} /> {{ auto: 'As the system', light: 'Light', dark: 'Dark' }[one]}
            </label>
          ))}
        </fieldset>
        <fieldset className="row">
          <legend className="label">Times</legend>
          {(['local', 'utc'] as const).map((one) => (
            <label key={one} className="check">
              <input type="radio" name="zone" checked={prefs.zone === one} onChange={() => setPrefs({ zone: one })} /> {one === 'utc' ? 'UTC' : `Local (${Intl.DateTimeFormat().resolvedOptions().timeZone})`}
            </label>
          ))}
        </fieldset>
        {(
          [
            ['dense', 'Rows of lists stand closer together'],
            ['keys', 'Single keys act: j, k, a, r, f and others'],
            ['sound', 'Two tones for a new critical alert while the queue is open'],
          ] as const
        ).map(([name, label]) => (
          <label key={name} className="check">
            <input type="checkbox" checked={prefs[name]} onChange={(event) => setPrefs({ [name]: event.target.checked })} /> {label}
          </label>
        ))}
      </div>
    </Panel>
  );
}
