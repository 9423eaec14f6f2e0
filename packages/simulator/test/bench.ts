/**
 * A simulator on a clock that stands still, with one account, and short ways to call it. `ask` goes
 * through `handle`, the form that every host uses, and hands back the raw bytes' text beside the JSON.
 */
import { createSimulator, createVirtualClock, type Outcome, type Simulator, type SimulatorOptions } from '../src/index.ts';

/** 2026-01-15 12:00:00 +08:00: far from the ends of minute, day and month. */
export const START = Date.UTC(2026, 0, 15, 4, 0, 0);
export const APPID = 'wx0123456789abcdef';
export const OTHER = 'wxfedcba9876543210';
export const SECRET = 'a'.repeat(32);
export const MINUTE = 60_000;
export const HOUR = 3_600_000;
export const DAY = 86_400_000;
export const TOKEN = '/cgi-bin/token';
export const STABLE = '/cgi-bin/stable_token';

export interface Asked {
  readonly outcome: Outcome;
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly text: string;
  /** The body as JSON, {} when it is none. */
  readonly json: any;
}

export interface Ask {
  query?: Record<string, string> | string;
  json?: unknown;
  body?: string | Uint8Array;
  ip?: string;
  headers?: Record<string, string>;
  secure?: boolean;
}

export function createBench(options: SimulatorOptions = {}) {
  const clock = createVirtualClock(START);
  const sim: Simulator = createSimulator({ clock, accounts: { [APPID]: { secret: SECRET } }, ...options });

  const send = (method: string, path: string, ask: Ask = {}): Outcome | Promise<Outcome> => {
    const text = ask.json === undefined ? ask.body : JSON.stringify(ask.json);
    return sim.handle({
      method,
      path,
      query: typeof ask.query === 'string' ? ask.query : new URLSearchParams(ask.query).toString(),
      header: (name) => ask.headers?.[name],
      body: text === undefined ? null : typeof text === 'string' ? new TextEncoder().encode(text) : text,
      clientIp: ask.ip ?? '10.0.0.1',
      secure: ask.secure ?? false,
    });
  };
  const ask = (method: string, path: string, more?: Ask): Asked => {
    const outcome = send(method, path, more);
    if (outcome instanceof Promise) throw new Error('this call takes time: use send');
    return read(outcome);
  };
  const classic = (query: Record<string, string> = {}, ip?: string): Asked =>
    ask('GET', TOKEN, { query: { grant_type: 'client_credential', appid: APPID, secret: SECRET, ...query }, ...(ip && { ip }) });
  const stable = (body: Record<string, unknown> = {}): Asked =>
    ask('POST', STABLE, { json: { grant_type: 'client_credential', appid: APPID, secret: SECRET, ...body } });
  /** The errcode of a call made with this token; 0: the token is good. */
  const use = (token: string): number => ask('GET', '/cgi-bin/getcallbackip', { query: { access_token: token } }).json.errcode ?? 0;
  return { sim, clock, control: sim.control, send, ask, classic, stable, use, advance: (ms: number) => clock.advance(ms) };
}

export function read(outcome: Outcome): Asked {
  if (outcome.kind !== 'reply') return { outcome, status: 0, headers: {}, text: '', json: {} };
  const text = new TextDecoder().decode(outcome.body);
  const headers = Object.fromEntries(outcome.headers.map(([name, value]) => [name, value]));
  return { outcome, status: outcome.status, headers, text, json: parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
