/**
 * The fast path: answers the hottest reads straight on node:http, without Request and Response objects.
 *
 * It answers only when everything about a request is plain and memory alone can answer it; at the least doubt it steps
 * aside and the app answers. Both answer byte for byte alike (one test compares them). Remembered are only how a URL
 * reads and the text of an answer; whether the key exists, may do this from here, has expired or is over its rate, and
 * whether the account is enabled, is asked with every request.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { authorize } from '../../access/authorize.ts';
import type { Account } from '../../core/account.ts';
import type { Accounts } from '../../core/accounts.ts';
import type { ApiKeyRecord } from '../../core/api-key.ts';
import { BoundedMap } from '../../core/bounded-map.ts';
import type { ServedCredential } from '../../core/credential.ts';
import type { Keeper } from '../../core/keeper.ts';
import type { Catalog, Target } from '../../core/kind.ts';
import { tokenAnswer } from '../../dropin/answers.ts';
import { credentialAnswer } from '../../http/credential-json.ts';
import type { ClientIp } from './client-ip.ts';
import { connectionOf } from './connection.ts';
import { isPlainHost, type PlainHeaders, readPlainHeaders } from './plain-request.ts';
import { type ReadUrl, readUrl } from './read-url.ts';

/** What the fast path needs of an engine: each part answers from memory, at once. */
export interface FastPathParts {
  readonly keys: { cached(key: string): ApiKeyRecord | undefined };
  readonly accounts: Pick<Accounts, 'cached' | 'cachedByAppId'>;
  readonly catalog: Pick<Catalog, 'target'>;
  readonly keeper: Pick<Keeper, 'peek'>;
  /** 0: counted, go on; else nothing was counted. */
  readonly limiter: { take(record: ApiKeyRecord): number };
  /** Remembers what each key was handed through the drop-in. */
  readonly handedOut: { note(keyId: string, served: ServedCredential): void };
  readonly time: { now(): number };
  /** Where reads are counted, per surface and kind. */
  readonly readCell: (surface: 'v1' | 'dropin', kind: string) => { count: number };
}

/** A URL that was read once, and what its last answer was made from. */
interface Known {
  readonly url: ReadUrl;
  account: Account | null;
  target: Target | null;
  cell: { count: number };
  served: ServedCredential | null;
  text: string;
  headers: readonly string[];
}

/** URLs remembered; some 2 KB each with the answer's text. */
const MAX_KNOWN = 20_000;
const BEARER = 'Bearer ';

export class FastPath {
  readonly #parts: FastPathParts;
  readonly #clientIp: ClientIp;
  readonly #known = new BoundedMap<Known>(MAX_KNOWN);
  readonly #headers: PlainHeaders = { authorization: '', host: '', forwardedFor: undefined };

  constructor(parts: FastPathParts, clientIp: ClientIp) {
    this.#parts = parts;
    this.#clientIp = clientIp;
  }

  /** Answers and returns true, or touches nothing and returns false. */
  answer(request: IncomingMessage, response: ServerResponse): boolean {
    const url = request.url as string;
    const remembered = this.#known.get(url);
    const known = remembered ?? read(url);
    if (known === null || !readPlainHeaders(request, this.#headers)) return false;
    const { authorization, host, forwardedFor } = this.#headers;

    const connection = connectionOf(request.socket, this.#clientIp);
    if (host !== connection.plainHost) {
      if (!isPlainHost(host)) return false;
      connection.plainHost = host;
    }

    const { keys, keeper, limiter, time, handedOut } = this.#parts;
    let { key } = known.url;
    if (key === null) key = authorization.startsWith(BEARER) ? authorization.slice(BEARER.length) : '';
    else if (authorization !== '') return false;
    const record = keys.cached(key);
    if (record === undefined) return false;
    const target = this.#target(known);
    if (target === null) return false;
    const ip = connection.trusted ? this.#clientIp.behindProxy(forwardedFor) : connection.peer;
    const { account, kind } = target.id;
    const now = time.now();
    if (authorize(record, { scope: 'credential:read', account, kind, reveals: true, ip, now }) !== null) return false;
    // Where the key stands in the URL, an admin key is never good.
    if (known.url.key !== null && record.scopes.includes('admin')) return false;

    const served = peek(keeper, target);
    if (served === null || limiter.take(record) !== 0) return false;
    if (known.url.key !== null) handedOut.note(record.id, served);
    known.cell.count += 1;
    if (known.served === null || !sameAnswer(known.served, served)) compose(known, served);
    // Only what was answered is remembered: strangers cannot push out what callers use.
    if (remembered === undefined) this.#known.set(url, known);
    response.writeHead(200, known.headers as string[]);
    response.end(known.text, 'latin1');
    return true;
  }

  /** The credential a URL means, as long as its account is what it was. */
  #target(known: Known): Target | null {
    const { accounts, catalog, readCell } = this.#parts;
    const { surface, account: name, kind } = known.url;
    const account = surface === 'v1' ? accounts.cached(name) : only(accounts.cachedByAppId(name));
    if (account === undefined) return null;
    if (known.account === account) return known.target;
    let target: Target;
    try {
      target = catalog.target(account, kind);
    } catch {
      return null;
    }
    known.account = account;
    known.target = target;
    known.cell = readCell(surface, target.id.kind);
    return target;
  }
}

function read(text: string): Known | null {
  const url = readUrl(text);
  return url && { url, account: null, target: null, cell: { count: 0 }, served: null, text: '', headers: [] };
}

/** Of several accounts with one AppID the key may see one: the app finds out. */
const only = (accounts: readonly Account[] | undefined): Account | undefined =>
  accounts !== undefined && accounts.length === 1 ? accounts[0] : undefined;

/** Its life may end between two looks at the clock. */
function peek(keeper: Pick<Keeper, 'peek'>, target: Target): ServedCredential | null {
  try {
    return keeper.peek(target);
  } catch {
    return null;
  }
}

/** Both would be written alike: everything that an answer shows is the same, lifetimes by the second. */
function sameAnswer(a: ServedCredential, b: ServedCredential): boolean {
  return (
    a.generation === b.generation &&
    a.value === b.value &&
    a.state === b.state &&
    a.expiresAt === b.expiresAt &&
    a.issuedAt === b.issuedAt &&
    Math.floor(a.expiresInMs / 1000) === Math.floor(b.expiresInMs / 1000)
  );
}

function compose(known: Known, served: ServedCredential): void {
  const { headers, body } = known.url.surface === 'v1' ? credentialAnswer(served) : tokenAnswer(served);
  const bytes = Buffer.from(body);
  // The order in which a Headers object gives them, which is what the app's answers go through.
  const sorted = Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1));
  known.headers = [...sorted.flat(), 'content-length', String(bytes.length)];
  // Kept as one character per byte: node joins such a text with the head and hands both over in one piece.
  known.text = bytes.toString('latin1');
  known.served = served;
}
