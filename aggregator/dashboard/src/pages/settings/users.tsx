// Who may sign in, and what he sees.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, must, type Schemas } from '../../api/client';
import { useMe } from '../../api/session';
import { Dialog } from '../../components/dialog';
import { Moment } from '../../components/marks';
import { Empty, Panel, Shown, useInvalidate } from '../../components/shown';
import { say, sayProblem } from '../../components/toasts';
import { PlantsField, RoleField } from './fields';

type Role = Schemas['Role'];

export function Users() {
  const [isNew, setNew] = useState(false);
  const [changed, setChanged] = useState<Schemas['UserBody'] | null>(null);
  const users = useQuery({ queryKey: ['users'], queryFn: () => must(api.GET('/api/users')) });
  return (
    <Panel
      title="Users"
      flush
      actions={
        <button className="button tiny" onClick={() => setNew(true)}>
          Add a user
        </button>
      }
    >
      <Shown query={users} empty={(data) => data.users.length === 0 && <Empty title="Nobody" />}>
        {(data) => (
          <div className="scroll-x inset" tabIndex={0} role="region" aria-label="Users">
            <table className="plain">
              <thead>
                <tr>
                  {['Name', 'Role', 'Plants', 'Since', 'State', ''].map((one) => (
                    <th key={one} scope="col">
                      {one || <span className="hidden">Change</span>}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {data.users.map((one) => (
                  <tr key={one.id}>
                    <td>{one.name}</td>
                    <td>{one.role}</td>
                    <td>{one.facilities.includes('*') ? 'all' : one.facilities.join(', ')}</td>
                    <td>
                      <Moment at={one.created} />
                    </td>
                    <td>{one.disabled ? <span className="is-high">disabled</span> : 'may sign in'}</td>
                    <td className="right">
                      <button className="button tiny" onClick={() => setChanged(one)} aria-label={`Change ${one.name}`}>
                        Change
                      </button>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Shown>
      {isNew && <Add onClose={() => setNew(false)} />}
      {changed && <Change user={changed} onClose={() => setChanged(null)} />}
    </Panel>
  );
}

function Add({ onClose }: { onClose: () => void }) {
  const invalidate = useInvalidate();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [plants, setPlants] = useState<string[]>(['*']);
  return (
    <Dialog title="Add a user" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          must(api.POST('/api/users', { body: { name, password, role, facilities: plants } }))
            .then(() => {
              say(`${name} can sign in.`);
              invalidate('users');
              onClose();
            })
            .catch(sayProblem);
        }}
      >
        <label className="field">
          <span>Name</span>
          <input className="input" required maxLength={64} pattern="[a-z0-9._@\-]+" autoComplete="off" value={name} onChange={(event) => setName(event.target.value)} />
          <small>Small letters, digits, and . _ @ -</small>
        </label>
        <label className="field">
          <span>Password, at least 12 characters</span>
          <input className="input" type="password" required minLength={12} maxLength={256} autoComplete="new-password" value={password} onChange={(event) => setPassword(event.target.value)} />
        </label>
        <RoleField value={role} onChange={setRole} />
        <PlantsField value={plants} onChange={setPlants} />
        <div className="actions">
          <button className="button main">Add</button>
        </div>
      </form>
    </Dialog>
  );
}

function Change({ user, onClose }: { user: Schemas['UserBody']; onClose: () => void }) {
  const me = useMe();
  const invalidate = useInvalidate();
  const [role, setRole] = useState<Role>(user.role);
  const [plants, setPlants] = useState(user.facilities);
  const [password, setPassword] = useState('');
  const change = (body: Schemas['ChangeUser'], said: string) =>
    must(api.PATCH('/api/users/{user_id}', { params: { path: { user_id: user.id } }, body }))
      .then(() => {
        say(said);
        invalidate('users');
        onClose();
      })
      .catch(sayProblem);
  return (
    <Dialog title={`Change ${user.name}`} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void change({ role, facilities: plants, ...(password ? { password } : {}) }, `${user.name} was changed. It holds at once.`);
        }}
      >
        <RoleField value={role} onChange={setRole} />
        <PlantsField value={plants} onChange={setPlants} />
        <label className="field">
          <span>New password (left empty, it stays)</span>
          <input className="input" type="password" minLength={12} maxLength={256} autoComplete="new-password" value={password} onChange={(event) => setPassword(event.target.value)} />
        </label>
        <div className="actions">
          {user.id !== me?.id && (
            <button type="button" className="button risky" onClick={() => void change({ disabled: !user.disabled }, user.disabled ? `${user.name} may sign in again.` : `${user.name} is out, and may not come in.`)}>
              {user.disabled ? 'Let in again' : 'Disable'}
            </button>
          )}
          <button className="button main">Change</button>
        </div>
      </form>
    </Dialog>
  );
}
