// The API as its own document types it. Every request goes through `fetcher`: the token, one renewal, and problems.
import createClient from 'openapi-fetch';
import type { components, paths } from './schema';
import { Problem } from './problem';
import { bearer, reach, renew } from './session';

export type Schemas = components['schemas'];

/** Bodies are read before: a stream cannot be sent over HTTP/1, nor twice. */
async function fetcher(request: Request): Promise<Response> {
  const { url, method, signal } = request;
  const body = request.body ? await request.text() : undefined;
  const attempt = () => {
    const token = bearer();
    const headers = new Headers(request.headers);
    if (token) headers.set('authorization', `Bearer ${token}`);
    return reach(url, { method, headers, signal, body, credentials: 'same-origin' });
  };
  const response = await attempt();
  return response.status === 401 && (await renew()) ? attempt() : response;
}

export const api = createClient<paths>({ baseUrl: globalThis.location?.origin ?? 'http://127.0.0.1', fetch: fetcher });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body; throws a Problem otherwise. */
export async function must<T>(asked: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await asked;
  if (response.ok) return data as T;
  throw problemOf(error, response);
}

/** The body, or null where there is no such thing (404). */
export async function maybe<T>(asked: Promise<Answer<T>>): Promise<T | null> {
  const { data, error, response } = await asked;
  if (response.ok) return data as T;
  if (response.status === 404) return null;
  throw problemOf(error, response);
}

function problemOf(error: unknown, response: Response): Problem {
  const text = typeof error === 'string' ? error : JSON.stringify(error ?? {});
  const said = (() => {
    try {
      return JSON.parse(text) as Problem['body'];
    } catch {
      return {};
    }
  })();
  const id = said.request_id ?? response.headers.get('x-request-id');
  const faults = (said.errors ?? []).map((one) => [one.pointer, one.detail].filter(Boolean).join(': '));
  const detail = [said.detail ?? `The aggregator answered ${response.status}.`, ...faults].join(' ');
  return new Problem(response.status, said.code ?? `http_${response.status}`, detail, id, said);
}

/** A path that the document does not have yet, by the contract of the specification; null where there is none. */
export async function ask<T>(path: string, init?: { method: string; body?: unknown; signal?: AbortSignal }): Promise<T | null> {
  const headers: Record<string, string> = init?.body === undefined ? {} : { 'content-type': 'application/json' };
  const body = init?.body === undefined ? null : JSON.stringify(init.body);
  const url = new URL(path, location.origin);
  const response = await fetcher(new Request(url, { method: init?.method ?? 'GET', headers, body, signal: init?.signal ?? null }));
  if (response.status === 404) return null;
  if (!response.ok) throw await Problem.of(response);
  return (await response.json()) as T;
}

/** A file, as the API writes it, put where the browser puts downloads. */
export async function download(path: string, name: string): Promise<void> {
  const response = await fetcher(new Request(new URL(path, location.origin)));
  if (!response.ok) throw await Problem.of(response);
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
