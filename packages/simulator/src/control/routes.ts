/**
 * The control paths under /_sim/, as a table. Plain JSON, ordinary HTTP statuses: 200, 400 naming the
 * field, 404, 405. Faults never strike here, and nothing here counts as a call to WeChat.
 */
import { InputError } from '../input.ts';
import { queryParam } from '../params.ts';
import { type Answer, type Call, type Reply, replyOf } from '../wire.ts';
import { type Control, NoSuchAccount } from './control.ts';

export const CONTROL_PREFIX = '/_sim/';

interface Request {
  /** What the `*` of the pattern stands for, decoded. */
  readonly id: string;
  readonly query: string;
  /** The parsed body, undefined when there is none. `never` fits every parameter: each method checks what it gets. */
  readonly body: never;
}
type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';
type Route = Partial<Record<Method, (control: Control, request: Request) => unknown>>;

const done = { ok: true };

export const ROUTES: Readonly<Record<string, Route>> = {
  '': {
    GET: () => ({ paths: Object.fromEntries(Object.entries(ROUTES).map(([path, route]) => [CONTROL_PREFIX + path, Object.keys(route)])) }),
  },
  state: { GET: (c) => c.state() },
  accounts: {
    GET: (c, { query }) => c.accounts(wholeNumber(query, 'offset', 0), wholeNumber(query, 'limit', 1000)),
    DELETE: (c) => (c.removeAllAccounts(), done),
  },
  'accounts/*': {
    GET: (c, { id }) => c.account(id),
    PUT: (c, { id, body }) => c.putAccount(id, body ?? {}),
    DELETE: (c, { id }) => (c.removeAccount(id), done),
  },
  'accounts/*/secret': { POST: (c, { id, body }) => c.resetSecret(id, body ?? {}) },
  'accounts/*/freeze': { POST: (c, { id, body }) => c.freezeSecret(id, body) },
  'accounts/*/whitelist': { PUT: (c, { id, body }) => c.editWhitelist(id, body) },
  'accounts/*/risk': { POST: (c, { id, body }) => c.answerRisk(id, body) },
  'accounts/*/rogue': { POST: (c, { id, body }) => c.rogue(id, body ?? {}) },
  'accounts/*/revoke': { POST: (c, { id, body }) => c.revoke(id, body ?? {}) },
  'tokens/*': { GET: (c, { id }) => c.token(id) },
  clock: { GET: (c) => c.clock(), POST: (c, { body }) => c.advance(body) },
  faults: {
    GET: (c) => ({ faults: c.faults() }),
    PUT: (c, { body }) => ({ faults: c.setFaults(body) }),
    POST: (c, { body }) => ({ faults: c.addFaults(body) }),
    DELETE: (c, { query }) => c.clearFaults(queryParam(query, 'name')),
  },
  knobs: { GET: (c) => c.knobs(), PUT: (c, { body }) => c.setKnobs(body) },
};

export function control(control: Control, call: Call, dateMs: number): Reply {
  return replyOf(answerTo(control, call), dateMs);
}

function answerTo(control: Control, call: Call): Answer {
  const found = match(call.path.slice(CONTROL_PREFIX.length));
  if (!found) return json(404, { error: `no control path ${call.path}` });
  const run = found.route[call.method as Method];
  if (!run) return json(405, { error: `${call.path} takes ${Object.keys(found.route).join(', ')}` });
  try {
    return json(200, run(control, { id: found.id, query: call.query, body: parsed(call.body) as never }));
  } catch (error) {
    if (error instanceof InputError) return json(400, { error: error.message });
    if (error instanceof NoSuchAccount) return json(404, { error: error.message });
    throw error;
  }
}

/** `tokens/abc` → the route `tokens/*` with id `abc`; an id may hold an encoded slash, never a raw one. */
function match(path: string): { route: Route; id: string } | null {
  const direct = Object.hasOwn(ROUTES, path) && !path.includes('*') ? ROUTES[path] : undefined;
  if (direct) return { route: direct, id: '' };
  const [family, raw, ...rest] = path.split('/');
  const pattern = [family, '*', ...rest].join('/');
  const route = raw && Object.hasOwn(ROUTES, pattern) ? ROUTES[pattern] : undefined;
  if (!route || !raw) return null;
  try {
    return { route, id: decodeURIComponent(raw) };
  } catch {
    return null;
  }
}

function parsed(body: Uint8Array | null): unknown {
  if (body === null || body.length === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch (error) {
    throw new InputError(`body: not JSON (${(error as Error).message})`);
  }
}

function wholeNumber(query: string, name: string, absent: number): number {
  const raw = queryParam(query, name);
  if (raw === undefined) return absent;
  if (!/^\d{1,9}$/.test(raw)) throw new InputError(`${name}: expected a whole number >= 0, got ${JSON.stringify(raw.slice(0, 40))}`);
  return Number(raw);
}

const json = (status: number, value: unknown): Answer => ({
  status,
  contentType: 'application/json',
  body: `${JSON.stringify(value)}\n`,
  errcode: 0,
});
