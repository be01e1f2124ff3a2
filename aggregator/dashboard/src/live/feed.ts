// What the socket says, as a value that is stepped: where each channel stands, whether there is a gap, what is new.
// No I/O and no clock, so that losing and catching up can be tested without either.

export const CHANNELS = ['alerts', 'fl_status', 'predictions', 'system'] as const;
export type Channel = (typeof CHANNELS)[number];

export interface Event {
  channel: Channel;
  type: string;
  seq: number;
  ts: string;
  data: unknown;
}

export interface Feed {
  epoch: string | null;
  at: Partial<Record<Channel, number>>;
  /** How far a channel has to come until nothing is missing. */
  until: Partial<Record<Channel, number>>;
  /** Between asking for what was missed and the answer: what comes then comes again, in order. */
  isDeaf: boolean;
}

export interface Step {
  feed: Feed;
  /** To be told to those who listen, in order. */
  events: Event[];
  /** Channels whose lists must be read anew: what happened meanwhile is not known. */
  resets: Channel[];
  /** To be sent. */
  say?: object[];
}

export const begun: Feed = { epoch: null, at: {}, until: {}, isDeaf: false };

interface Said {
  type?: unknown;
  epoch?: unknown;
  channel?: unknown;
  seq?: unknown;
  ts?: unknown;
  data?: unknown;
}

const isChannel = (text: unknown): text is Channel => CHANNELS.includes(text as Channel);

export function step(feed: Feed, text: string): Step {
  const none: Step = { feed, events: [], resets: [] };
  let said: Said;
  try {
    said = JSON.parse(text) as Said;
  } catch {
    return none;
  }
  if (said === null || typeof said !== 'object') return none;
  if (said.type === 'hello') return hello(feed, said);
  if (said.type === 'subscribed') return { ...none, feed: { ...feed, until: newestOf(said), isDeaf: false } };
  // Asked behind the subscription, so all that was missed has been told before it is answered.
  if (said.type === 'status') return { ...none, feed: { ...feed, at: { ...feed.at, ...newestOf(said) }, until: {} } };
  if (feed.isDeaf) return none;
  if (!isChannel(said.channel) || typeof said.seq !== 'number') return none;
  const { channel, seq } = said;
  const at = feed.at[channel];
  if (said.type === 'reset') {
    return { feed: moved(feed, channel, seq), events: [], resets: [channel] };
  }
  // Told twice: it may be, when a gap is filled.
  if (at !== undefined && seq <= at) return none;
  const event: Event = { channel, type: String(said.type), seq, ts: String(said.ts), data: said.data };
  return { feed: moved(feed, channel, seq), events: [event], resets: [] };
}

function moved(feed: Feed, channel: Channel, seq: number): Feed {
  return { ...feed, at: { ...feed.at, [channel]: seq } };
}

/** The socket is open. Whoever was here before goes on behind what he saw; another epoch knows nothing of it. */
function hello(feed: Feed, said: Said): Step {
  const newest = newestOf(said);
  const epoch = typeof said.epoch === 'string' ? said.epoch : null;
  if (feed.epoch === null) return { feed: { epoch, at: newest, until: {}, isDeaf: false }, events: [], resets: [] };
  if (feed.epoch !== epoch) {
    return { feed: { epoch, at: newest, until: {}, isDeaf: false }, events: [], resets: [...CHANNELS] };
  }
  const since = Object.fromEntries(CHANNELS.map((one) => [one, feed.at[one] ?? newest[one] ?? 0]));
  const say = [{ op: 'subscribe', channels: CHANNELS, since, epoch }, { op: 'status' }];
  return { feed: { ...feed, until: newest, isDeaf: true }, events: [], resets: [], say };
}

function newestOf(said: Said): Feed['at'] {
  return (said.data as { channels?: Feed['at'] } | null)?.channels ?? {};
}

/** Messages that are still to come until the gap is closed. */
export function missing(feed: Feed): number {
  let sum = 0;
  for (const channel of CHANNELS) sum += Math.max(0, (feed.until[channel] ?? 0) - (feed.at[channel] ?? 0));
  return sum;
}
