// Signing in: on a page of its own at first, and in a dialog over the work of somebody whose session ended.
import { useEffect, useRef, useState } from 'react';
import { Problem } from '../api/problem';
import { signIn, signOut, useSession } from '../api/session';
import { Dialog } from '../components/dialog';
import { Icon } from '../components/icons';
import { ProblemNote, useTitle } from '../components/shown';

function Form({ name: known }: { name?: string }) {
  const [name, setName] = useState(known ?? '');
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        setBusy(true);
        setProblem(null);
        signIn(name, password)
          .catch((error: unknown) => setProblem(Problem.from(error)))
          .finally(() => setBusy(false));
      }}
      className="stack"
    >
      {problem && <ProblemNote problem={problem} />}
      <label className="field">
        <span>Name</span>
        <input ref={known ? undefined : first} className="input" name="name" autoComplete="username" autoCapitalize="none" required value={name} readOnly={known !== undefined} onChange={(event) => setName(event.target.value)} />
      </label>
      <label className="field">
        <span>Password</span>
        <input ref={known ? first : undefined} className="input" name="password" type="password" autoComplete="current-password" required value={password} onChange={(event) => setPassword(event.target.value)} />
      </label>
      <button className="button main" disabled={isBusy}>
        {isBusy ? 'One moment…' : 'Sign in'}
      </button>
    </form>
  );
}

export function SignIn() {
  useTitle('Sign in');
  return (
    <main className="entry">
      <div className="box">
        <div className="brand">
          <img src="/mark.svg" alt="" />
          <span>Fieldward</span>
        </div>
        <div>
          <h1>Sign in</h1>
          <p className="dim">What your plants' networks do, and who is in them that should not be.</p>
        </div>
        <Form />
        <p className="small dim">
          With an account of your organisation: <a href="/api/auth/oidc/login">single sign-on</a>, where it is set up.
        </p>
      </div>
    </main>
  );
}

/** While nobody has answered yet. */
export function Starting({ problem }: { problem?: Problem }) {
  useTitle('Fieldward');
  return (
    <main className="entry">
      <div className="box" role="status">
        <div className="brand">
          <img src="/mark.svg" alt="" />
          <span>Fieldward</span>
        </div>
        {problem ? <ProblemNote problem={problem} /> : <p className="dim">One moment…</p>}
      </div>
    </main>
  );
}

export function Expired() {
  const session = useSession();
  if (session.state !== 'expired') return null;
  return (
    <Dialog title="Your session has ended" isFirm onClose={() => undefined}>
      <p className="row">
        <Icon name="lock" /> Sign in again to go on where you were. What you typed is still there.
      </p>
      <Form name={session.me.name} />
      <button type="button" className="button plain" onClick={() => void signOut()}>
        Sign in as somebody else
      </button>
    </Dialog>
  );
}
