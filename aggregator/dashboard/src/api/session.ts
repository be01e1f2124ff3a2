// Who is signed in. The access token lives in memory alone; a cookie that scripts cannot read renews it. Tabs take
// turns at renewing, since the cookie works once, and its second use would end the session.
import { useSyncExternalStore } from 'react';
import { heardDate } from '../lib/clock';
import type { components } from './schema';
import { Problem } from './problem';

export type Me = components['schemas']['Me'];
type Token = components['schemas']['Token'];

export type Session =
  | { state: 'starting'; problem?: Problem }
  | { state: 'out' }
  | { state: 'in'; me: Me }
  /** The session ended while somebody was at work: what he typed stays behind the dialog. */
  | { state: 'expired'; me: Me };

let session: Session = { state: 'starting' };
let token: string | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
let renewing: Promise<boolean> | null = null;
const listeners = new Set<() => void>();

function become(next: Session): void {
  session = next;
  for (const one of listeners) one();
}

export const bearer = (): string | null => token;
export const current = (): Session => session;

export function onSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export function useSession(): Session {
  return useSyncExternalStore(onSession, () => session);
}

export function useMe(): Me | null {
  const held = useSession();
  return held.state === 'in' || held.state === 'expired' ? held.me : null;
}

const RANK = ['viewer', 'analyst', 'engineer', 'admin'];

/** Whether he has at least this role. The aggregator decides; this is for what is shown. */
export function may(me: Me | null, role: Me['role']): boolean {
  return me !== null && RANK.indexOf(me.role) >= RANK.indexOf(role);
}

/** Asks the aggregator; throws a Problem when nobody answers. */
export async function reach(path: string, init: RequestInit): Promise<Response> {
  const begun = performance.now();
  try {
    const response = await fetch(path, init);
    heardDate(response.headers.get('date'), performance.now() - begun);
    return response;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw Problem.away(cause);
  }
}

function take(given: Token): void {
  token = given.access_token;
  clearTimeout(timer);
  // By a clock that cannot be set: the browser's time of day may be wrong.
  timer = setTimeout(() => void renew().catch(() => undefined), Math.max(5, given.expires_in - 45) * 1000);
  become({ state: 'in', me: given.user });
}

export async function signIn(name: string, password: string): Promise<void> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name, password }) };
  const response = await reach('/api/auth/login', init);
  if (!response.ok) throw await Problem.of(response);
  take((await response.json()) as Token);
}

export async function signOut(): Promise<void> {
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  await reach('/api/auth/logout', { method: 'POST', headers }).catch(() => undefined);
  token = null;
  clearTimeout(timer);
  become({ state: 'out' });
}

/** Renews the token; gives whether it was. Throws when nobody answers. */
export function renew(): Promise<boolean> {
  renewing ??= inTurn().finally(() => (renewing = null));
  return renewing;
}

function inTurn(): Promise<boolean> {
  return 'locks' in navigator ? navigator.locks.request('fieldward-session', async () => (await ask()) === true).then((done) => done) : ask();
}

async function ask(): Promise<boolean> {
  const response = await reach('/api/auth/refresh', { method: 'POST' });
  if (response.ok) {
    take((await response.json()) as Token);
    return true;
  }
  // A fault of the aggregator says nothing of the session.
  if (response.status >= 500 || response.status === 429) throw await Problem.of(response);
  token = null;
  become(session.state === 'in' || session.state === 'expired' ? { state: 'expired', me: session.me } : { state: 'out' });
  return false;
}

/** At the beginning: is there a session? Goes on asking while nobody answers. */
export async function begin(): Promise<void> {
  for (let nth = 0; session.state === 'starting'; nth++) {
    try {
      await renew();
      return;
    } catch (error) {
      become({ state: 'starting', problem: Problem.from(error) });
      await new Promise((done) => setTimeout(done, Math.min(500 * 2 ** nth, 5000)));
    }
  }
}
