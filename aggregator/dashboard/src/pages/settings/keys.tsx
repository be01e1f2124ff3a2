// Keys for programs: shown once, ended by date or by hand.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, must, type Schemas } from '../../api/client';
import { Dialog } from '../../components/dialog';
import { Ago, Moment } from '../../components/marks';
import { Empty, Panel, Shown, useInvalidate } from '../../components/shown';
import { say, sayProblem } from '../../components/toasts';
import { PlantsField, RoleField } from './fields';

export function Keys() {
  const invalidate = useInvalidate();
  const [isNew, setNew] = useState(false);
  const [ending, setEnding] = useState<Schemas['KeyBody'] | null>(null);
  const keys = useQuery({ queryKey: ['keys'], queryFn: () => must(api.GET('/api/keys')) });
  const end = (key: Schemas['KeyBody']) =>
    must(api.DELETE('/api/keys/{key_id}', { params: { path: { key_id: key.id } } }))
      .then(() => {
        say(`The key ${key.name} works no more.`);
        invalidate('keys');
        setEnding(null);
      })
      .catch(sayProblem);
  return (
    <Panel
      title="Keys for programs"
      flush
      actions={
        <button className="button tiny" onClick={() => setNew(true)}>
          Make a key
        </button>
      }
    >
      <Shown query={keys} empty={(data) => data.keys.length === 0 && <Empty title="No key yet">Scripts and SIEMs ask with one, in the header X-API-Key.</Empty>}>
        {(data) => (
          <div className="scroll-x inset" tabIndex={0} role="region" aria-label="Keys">
            <table className="plain">
              <thead>
                <tr>
                  {['Name', 'Role', 'Plants', 'Used', 'Ends', ''].map((one) => (
                    <th key={one} scope="col">
                      {one || <span className="hidden">End</span>}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {data.keys.map((one) => (
                  <tr key={one.id}>
                    <td>{one.name}</td>
                    <td>{one.role}</td>
                    <td>{one.facilities.includes('*') ? 'all' : one.facilities.join(', ')}</td>
                    <td>
                      <Ago at={one.last_used} />
                    </td>
                    <td>{one.revoked ? <span className="dim">ended</span> : <Moment at={one.expires} />}</td>
                    <td className="right">
                      {!one.revoked && (
                        <button className="button tiny risky" onClick={() => setEnding(one)} aria-label={`End the key ${one.name}`}>
                          End
                        </button>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Shown>
      {isNew && <Make onClose={() => setNew(false)} />}
      {ending && (
        <Dialog title={`End the key ${ending.name}?`} onClose={() => setEnding(null)}>
          <p>Whatever asks with it is refused from now on. This cannot be undone.</p>
          <div className="actions">
            <button className="button" onClick={() => setEnding(null)}>
              Keep it
            </button>
            <button className="button risky" onClick={() => void end(ending)}>
              End it
            </button>
          </div>
        </Dialog>
      )}
    </Panel>
  );
}

function Make({ onClose }: { onClose: () => void }) {
  const invalidate = useInvalidate();
  const [name, setName] = useState('');
  const [days, setDays] = useState(90);
  const [role, setRole] = useState<Schemas['Role']>('viewer');
  const [plants, setPlants] = useState<string[]>(['*']);
  const [secret, setSecret] = useState('');
  if (secret) {
    return (
      <Dialog title="The key" onClose={onClose} isFirm>
        <p>It is shown this once. Put it where the program reads it.</p>
        <p className="secret">
          <code>{secret}</code>
        </p>
        <div className="actions">
          <button className="button" onClick={() => void navigator.clipboard.writeText(secret).then(() => say('Copied.'))}>
            Copy
          </button>
          <button className="button main" onClick={onClose}>
            I have it
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="Make a key" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          must(api.POST('/api/keys', { body: { name, days, role, facilities: plants } }))
            .then((made) => {
              setSecret(made.secret);
              invalidate('keys');
            })
            .catch(sayProblem);
        }}
      >
        <label className="field">
          <span>What it is for</span>
          <input className="input" required maxLength={64} value={name} onChange={(event) => setName(event.target.value)} />
        </label>
        <label className="field">
          <span>Ends after days</span>
          <input className="input" type="number" required min={1} max={365} value={days} onChange={(event) => setDays(Number(event.target.value))} />
        </label>
        <RoleField value={role} onChange={setRole} />
        <PlantsField value={plants} onChange={setPlants} />
        <div className="actions">
          <button className="button main">Make it</button>
        </div>
      </form>
    </Dialog>
  );
}
