// The one socket of the page: opened with a ticket, kept open, stepped by `feed.ts`; what comes in a burst is told
// in pieces, so that 10,000 alerts are a few drawings and not 10,000.
import ReconnectingWebSocket from 'partysocket/ws';
import { api, must } from '../api/client';
import { current, onSession } from '../api/session';
import { now } from '../lib/clock';
import { begun, type Channel, type Event, type Feed, missing, step } from './feed';

export type Lamp =
  | { state: 'connecting' }
  | { state: 'live' }
  | { state: 'catching-up'; left: number }
  | { state: 'away'; since: number };

export interface Batch {
  events: Event[];
  resets: ReadonlySet<Channel>;
}

let feed: Feed = begun;
let lamp: Lamp = { state: 'connecting' };
let socket: ReconnectingWebSocket | null = null;
let waiting: Event[] = [];
let resets = new Set<Channel>();
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<(batch: Batch) => void>();
const watchers = new Set<() => void>();

export const held = (): Lamp => lamp;
let caughtUp = 0;

/** How many messages were missed and have come since; asked once. */
export function takeCaughtUp(): number {
  const count = caughtUp;
  caughtUp = 0;
  return count;
}

export function onBatch(listener: (batch: Batch) => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export function onLamp(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => void watchers.delete(watcher);
}

function show(next: Lamp): void {
  if (JSON.stringify(next) === JSON.stringify(lamp)) return;
  lamp = next;
  for (const one of watchers) one();
}

function lost(): void {
  if (lamp.state !== 'away') show({ state: 'away', since: now() });
}

function hear(text: string): void {
  const next = step(feed, text);
  feed = next.feed;
  for (const words of next.say ?? []) socket?.send(JSON.stringify(words));
  if (next.say) caughtUp = missing(feed);
  waiting.push(...next.events);
  for (const one of next.resets) resets.add(one);
  // Once in `EVERY`, not with each message.
  timer ??= setTimeout(tell, EVERY);
}

function tell(): void {
  timer = undefined;
  const batch: Batch = { events: waiting, resets };
  waiting = [];
  resets = new Set();
  const left = missing(feed);
  if (socket?.readyState === WebSocket.OPEN) show(left > 0 ? { state: 'catching-up', left } : { state: 'live' });
  for (const one of listeners) one(batch);
}

async function protocols(): Promise<string[]> {
  const { ticket } = await must(api.POST('/api/auth/ws-ticket'));
  return ['fieldward.v1', `ticket.${ticket}`];
}

function open(): void {
  const url = `${location.origin.replace(/^http/, 'ws')}/ws`;
  const tickets = () =>
    protocols().catch((error: unknown) => {
      lost();
      throw error;
    });
  const made = new ReconnectingWebSocket(url, tickets, {
    minReconnectionDelay: 300 + Math.random() * 400,
    maxReconnectionDelay: 8000,
    reconnectionDelayGrowFactor: 1.6,
    connectionTimeout: 6000,
  });
  socket = made;
  made.addEventListener('message', (event: MessageEvent) => {
    if (typeof event.data === 'string') hear(event.data);
  });
  made.addEventListener('close', lost);
  made.addEventListener('error', lost);
}

function close(): void {
  socket?.close();
  socket = null;
  feed = begun;
  lamp = { state: 'connecting' };
}

/** Listens while somebody is signed in. */
export function startSocket(): void {
  const follow = () => {
    const { state } = current();
    if (state === 'in' && !socket) open();
    if (state === 'out' && socket) close();
    // An ended session gets no ticket; what was seen stays known, so that nothing is missed.
    if (state === 'expired') {
      socket?.close();
      socket = null;
      lost();
    }
  };
  onSession(follow);
  follow();
  addEventListener('online', () => socket?.reconnect());
  // A computer that slept has sockets that do not know it yet.
  let seen = performance.now();
  setInterval(() => {
    const passed = performance.now() - seen;
    seen = performance.now();
    if (passed > 60_000) socket?.reconnect();
  }, 5000);
}

const EVERY = 120;
