/**
 * What state every credential is in, why, and what to do about it; and how the server itself is.
 *
 * Values never appear. A record that cannot be read (another master key) is shown as such, beside the healthy ones.
 * While the store cannot be asked, what is wrong with it is told all the same, without the credentials.
 */

import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { countersAt } from '../../core/budget.ts';
import type { CredentialRecord } from '../../core/credential.ts';
import { asZhongkongError } from '../../core/errors.ts';
import type { Target } from '../../core/kind.ts';
import { nextAttemptAt, stateOf } from '../../core/schedule.ts';
import { isSuspension } from '../../core/standing.ts';
import type { AppDeps, Env, ServerCause } from '../environment.ts';
import { operation } from '../operation.ts';
import { json } from '../respond.ts';
import { failureClass, instantText, nextCursor, paged, pageQuery, rfc3339, rfc3339OrNull, words } from '../schemas.ts';
import { causeOf } from '../status-cause.ts';
import { leakJson, leakSchema } from '../wire.ts';

const used = () => z.object({ used: z.int(), limit: z.int().nullable().openapi({ description: 'Null: WeChat names none' }) });

const credentialStatus = z
  .object({
    account: z.string(),
    kind: z.string(),
    chain: z.string(),
    enabled: z.boolean(),
    state: z.enum(['missing', 'fresh', 'due', 'suspect', 'expired', 'dead', 'unreadable']),
    generation: z.int(),
    fingerprint: z.string().nullable(),
    issued_at: instantText().nullable(),
    expires_at: instantText().nullable().openapi({ description: "The value's own end, not the honest lifetime" }),
    refresh_at: instantText().nullable(),
    next_attempt_at: instantText().nullable().openapi({ description: 'Null: none is planned' }),
    foreign_refresh_at: instantText().nullable().openapi({ description: 'When somebody else last replaced it' }),
    cause: z
      .object({
        code: z.string(),
        class: failureClass().nullable(),
        message: z.string(),
        attempts: z.int().nullable(),
        since: instantText().nullable(),
        errcode: z.int().optional(),
        rid: z.string().optional(),
        egress_ip: z.string().optional(),
        advice: words(),
      })
      .nullable()
      .openapi({ description: 'What is wrong, the gravest first; null: nothing' }),
    budgets: z.object({ issues_today: used(), forced_today: used(), calls_this_minute: used() }).nullable(),
    operation: leakSchema.nullable(),
  })
  .openapi('CredentialStatus');

const serverStatus = z
  .object({
    version: z.string(),
    status: z.enum(['ok', 'starting', 'degraded', 'draining']),
    causes: z
      .array(z.object({ code: z.string().openapi({ example: 'store_full' }), message: z.string(), since: instantText(), advice: words() }))
      .openapi({ description: 'What is wrong with the server as a whole, the gravest first' }),
    store: z.string().nullable(),
    accounts: z.int().nullable().openapi({ description: 'Null: the store cannot be asked' }),
    time: z.object({
      now: instantText(),
      offset_ms: z.int().openapi({ description: "The store's clock minus this machine's" }),
      uncertainty_ms: z.int(),
    }),
  })
  .openapi('ServerStatus');

const status = operation({
  method: 'get',
  path: '/v1/status',
  id: 'status',
  tag: 'operations',
  scope: 'admin',
  summary: { en: 'State of the server and of every credential', zh: '服务与各凭据的状态' },
  query: z.strictObject(pageQuery),
  ok: {
    200: {
      description: 'A page of accounts, each with all its credentials',
      schema: z.object({ server: serverStatus, credentials: z.array(credentialStatus), next_cursor: nextCursor() }),
    },
  },
});

function serverJson({ health, clock, time, options }: AppDeps, accounts: number | null): z.infer<typeof serverStatus> {
  const { status: state, causes } = health();
  const now = time.now();
  return {
    version: options.version,
    status: state,
    causes: causes.map(({ since, ...cause }) => ({ ...cause, since: rfc3339(since) })),
    store: options.store ?? null,
    accounts,
    time: { now: rfc3339(now), offset_ms: Math.round(now - clock.wall()), uncertainty_ms: time.uncertaintyMs },
  };
}

async function credentialJson(
  { keeper, time }: AppDeps,
  target: Target,
  stopped: ServerCause | null,
): Promise<z.infer<typeof credentialStatus>> {
  const { id, account } = target;
  const base = { ...id, enabled: account.enabled };
  try {
    return { ...base, ...recordJson(target, await keeper.inspect(target), time.now(), stopped) };
  } catch (thrown) {
    const { code, message, advice } = asZhongkongError(thrown);
    if (code === 'store_unavailable') throw thrown;
    return {
      ...base,
      ...{ state: 'unreadable', generation: 0, fingerprint: null, issued_at: null, expires_at: null, refresh_at: null },
      ...{ next_attempt_at: null, foreign_refresh_at: null, budgets: null, operation: null },
      cause: { code, class: null, message, attempts: null, since: null, advice },
    };
  }
}

function recordJson({ id, account, chain }: Target, record: CredentialRecord, now: number, stopped: ServerCause | null) {
  const { current, leak, foreignRefreshAt, refreshAt, generation } = record;
  const counters = countersAt(record.counters, now);
  const { issuesPerDay, forcedPerDay, callsPerMinute } = chain.limits;
  return {
    state: stateOf(record, now),
    generation,
    fingerprint: current?.fingerprint ?? null,
    issued_at: rfc3339OrNull(current?.issuedAt ?? null),
    expires_at: rfc3339OrNull(current?.expiresAt ?? null),
    refresh_at: current ? rfc3339(refreshAt) : null,
    // 0 stands for "at once".
    next_attempt_at: account.enabled && !stopped ? rfc3339(Math.max(now, nextAttemptAt(record))) : null,
    foreign_refresh_at: rfc3339OrNull(foreignRefreshAt),
    cause: causeOf(record, account, now, stopped),
    budgets: {
      issues_today: { used: counters.issuesToday, limit: finite(issuesPerDay) },
      forced_today: { used: counters.forcedToday, limit: finite(forcedPerDay) },
      calls_this_minute: { used: counters.callsThisMinute, limit: finite(callsPerMinute) },
    },
    operation: leak && leakJson(id, leak),
  };
}

/** JSON knows no infinity. */
const finite = (limit: number): number | null => (Number.isFinite(limit) ? limit : null);

export function mountStatus(app: OpenAPIHono<Env>): void {
  app.openapi(status, async (c) => {
    const { deps } = c.env;
    const { cursor, limit } = c.req.valid('query');
    try {
      const found = await deps.accounts.page({ after: cursor ?? null, limit: limit + 1 });
      const { page, next } = paged(found, limit, ({ id }) => id);
      const targets = page.flatMap((account) => deps.catalog.targets(account));
      const stopped = deps.health().causes.find(({ code }) => isSuspension(code)) ?? null;
      const credentials = await Promise.all(targets.map((target) => credentialJson(deps, target, stopped)));
      return json({ server: serverJson(deps, await deps.directory.countAccounts()), credentials, next_cursor: next });
    } catch (thrown) {
      if (asZhongkongError(thrown).code !== 'store_unavailable') throw thrown;
      return json({ server: serverJson(deps, null), credentials: [], next_cursor: null });
    }
  });
}
