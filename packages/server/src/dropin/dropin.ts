/**
 * The endpoints that look like WeChat's, for SDKs that can only be given another base URL.
 *
 * The API key stands where the SDK puts the AppSecret. Order: form → key → its networks, scope and rate → account →
 * credential. Everything together stays within the deadline, because SDKs give up after 3 s; what is being done then
 * goes on, and the next call finds it.
 */

import { authorize, covers } from '../access/authorize.ts';
import type { Keys } from '../access/keys.ts';
import type { RateLimiter } from '../access/rate.ts';
import type { Account } from '../core/account.ts';
import type { Accounts } from '../core/accounts.ts';
import type { ApiKeyRecord } from '../core/api-key.ts';
import type { ServedCredential } from '../core/credential.ts';
import { asZhongkongError, ZhongkongError } from '../core/errors.ts';
import type { EventSink } from '../core/events.ts';
import type { Keeper } from '../core/keeper.ts';
import type { Catalog, Target } from '../core/kind.ts';
import type { StoreTime } from '../core/store-time.ts';
import { errorAnswer, tokenAnswer, type WechatAnswer } from './answers.ts';
import { wechatError } from './errors.ts';
import { classicForm, FormRefused, stableForm, type TokenForm } from './form.ts';
import type { HandedOut } from './handed-out.ts';
import { migratingCaller } from './migrating.ts';
import { MisplacedSecrets } from './misplaced.ts';
import type { RequestTrace } from './trace.ts';
import { within } from './within.ts';

export interface DropinDeps {
  readonly keeper: Keeper;
  readonly accounts: Accounts;
  readonly keys: Keys;
  readonly catalog: Catalog;
  readonly limiter: RateLimiter;
  readonly time: StoreTime;
  readonly events: EventSink;
  readonly handedOut: HandedOut;
  readonly options: { readonly acceptAppSecret: boolean; readonly dropinDeadlineMs: number };
}

type Handler = (request: Request, url: URL, ip: string | null, trace: RequestTrace) => Promise<WechatAnswer>;

/** What these two endpoints hand out, in either chain: which one is kept is the account's mode. */
export const DROPIN_KIND = 'access_token';

/** Left of the deadline for everything but waiting for WeChat, ms. */
const OWN_SHARE_MS = 300;

export function createDropin(deps: DropinDeps): { handlerOf(path: string): Handler | undefined } {
  const { events, time } = deps;
  const misplaced = new MisplacedSecrets(deps);

  const endpoint =
    (read: (request: Request, url: URL) => Promise<TokenForm>): Handler =>
    async (request, url, ip, trace) => {
      const startedAt = time.now();
      trace.route = url.pathname;
      try {
        const answered = (async () => {
          const form = await read(request, url);
          return tokenAnswer(await serve(deps, misplaced, form, ip, trace, startedAt));
        })();
        return await within(answered, deps.options.dropinDeadlineMs);
      } catch (thrown) {
        const { errcode, text, rid } =
          thrown instanceof FormRefused ? { ...thrown.error, rid: trace.requestId } : wechatError(told(thrown), ip, trace.requestId);
        trace.errcode = errcode;
        return errorAnswer(errcode, text, rid);
      }

      function told(cause: unknown): ZhongkongError {
        const error = asZhongkongError(cause);
        trace.code = error.code;
        if (error.code === 'internal') events.emit({ type: 'internal.error', during: trace.route, requestId: trace.requestId, cause });
        return error;
      }
    };

  const handlers = new Map<string, Handler>([
    ['/cgi-bin/token', endpoint(classicForm)],
    ['/cgi-bin/stable_token', endpoint((request) => stableForm(request))],
  ]);
  return { handlerOf: (path) => handlers.get(path) };
}

async function serve(
  deps: DropinDeps,
  misplaced: MisplacedSecrets,
  form: TokenForm,
  ip: string | null,
  trace: RequestTrace,
  startedAt: number,
): Promise<ServedCredential> {
  const { keeper, handedOut, time, options } = deps;
  const caller = await callerOf(deps, misplaced, form);
  trace.keyId = caller.id;
  assertMay(caller, ip, time.now());
  takeCall(deps, caller);
  const target = await targetOf(deps, caller, form.appid);
  trace.accountId = target.account.id;
  const refusal = authorize(caller, {
    scope: 'credential:read',
    account: target.id.account,
    kind: target.id.kind,
    reveals: true,
    ip,
    now: time.now(),
  });
  if (refusal) throw refusal;
  const leftMs = () => Math.max(1, startedAt + options.dropinDeadlineMs - OWN_SHARE_MS - time.now());
  const current = await keeper.read(target, { deadlineMs: leftMs() });
  const served = form.forceRefresh ? await hinted(deps, caller, target, current, startedAt, leftMs()) : current;
  handedOut.note(caller.id, served);
  trace.kind = target.id.kind;
  return served;
}

/**
 * `force_refresh` says "what I got last does not work": a report of that value, with all its rules, and never an
 * order. When nobody knows what this key got last, the current value is looked at, once per cool-down for everybody.
 */
async function hinted(
  { keeper, handedOut }: DropinDeps,
  caller: ApiKeyRecord,
  target: Target,
  current: ServedCredential,
  startedAt: number,
  deadlineMs: number,
): Promise<ServedCredential> {
  const last = handedOut.last(caller.id, target.id);
  // Issued for this very call: that needs no second look.
  if (last === null && current.issuedAt >= startedAt) return current;
  try {
    return (await keeper.report(target, last ?? current.value, deadlineMs)).credential ?? current;
  } catch (error) {
    // A hint that could not be followed in time costs nobody the answer.
    if (error instanceof ZhongkongError && error.code === 'deadline_exceeded') return current;
    throw error;
  }
}

/** Whose key stands in the secret slot. An admin key is refused there: too much power for a URL. */
async function callerOf(deps: DropinDeps, misplaced: MisplacedSecrets, { appid, secret }: TokenForm): Promise<ApiKeyRecord> {
  const record = await deps.keys.find(secret);
  if (record && !record.scopes.includes('admin')) return record;
  const migrating = !record && deps.options.acceptAppSecret ? await migratingCaller(deps.accounts, appid, secret) : null;
  if (migrating) return migrating;
  if (!record) misplaced.look(appid, secret);
  throw new ZhongkongError('unauthorized', record ? 'an admin key is not taken in a secret slot' : 'this API key is unknown');
}

function assertMay(caller: ApiKeyRecord, ip: string | null, now: number): void {
  const refusal = authorize(caller, { scope: 'credential:read', ip, now });
  if (refusal) throw refusal;
}

function takeCall({ limiter }: DropinDeps, caller: ApiKeyRecord): void {
  if (limiter.take(caller) > 0) throw new ZhongkongError('rate_limited', `more than ${caller.callsPerMinute} calls a minute`);
}

/** The one account with this AppID that the key may see and that has an access_token. */
async function targetOf(deps: DropinDeps, caller: ApiKeyRecord, appId: string): Promise<Target> {
  const { accounts, catalog } = deps;
  const visible = (await accounts.byAppId(appId)).filter((account) => covers(caller, account.id));
  const targets = visible.flatMap((account) => wechatTarget(catalog, account));
  const [target] = targets;
  if (target && targets.length === 1) return target;
  throw new ZhongkongError('not_found', targets.length === 0 ? 'no such account' : 'several accounts have this AppID');
}

const wechatTarget = (catalog: Catalog, account: Account): readonly Target[] =>
  catalog.targets(account).filter(({ id }) => id.kind === DROPIN_KIND);
