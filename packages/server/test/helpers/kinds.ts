/** Kinds for the core's tests: WeChat's two chains in a minimal wire form, and one kind that cannot be probed. */

import type { FailureClass } from '../../src/core/failure.ts';
import { Catalog, type Chain, type IssueLimits, type KindDeclaration } from '../../src/core/kind.ts';
import type { RefreshPolicy } from '../../src/core/policy.ts';
import type { UpstreamReply } from '../../src/core/upstream.ts';

export const CLASSIC: RefreshPolicy = { type: 'rotate-with-grace', graceMs: 300_000, refreshWindowMs: 900_000, jitterMs: 60_000 };
export const STABLE: RefreshPolicy = { type: 'stable-window', windowMs: 300_000, refreshWindowMs: 295_000, jitterMs: 60_000 };

export const LIMITS: IssueLimits = {
  issuesPerDay: 2000,
  scheduledReserve: 100,
  callsPerMinute: 10_000,
  forcedPerDay: 20,
  forcedLeakReserve: 4,
  forcedSpacingMs: 30_000,
};

const CLASSES: Readonly<Record<number, FailureClass>> = {
  [-1]: 'transient',
  40125: 'config',
  40164: 'network-acl',
  45009: 'rate-day',
  45011: 'rate-minute',
};
const ADVICE = { en: 'advice', zh: '建议' };

const errcodeOf = (reply: UpstreamReply): number | undefined => (JSON.parse(reply.text) as { errcode?: number }).errcode;

export function chain(name: 'classic' | 'stable', changes: Partial<Chain> = {}): Chain {
  return {
    name,
    policy: name === 'classic' ? CLASSIC : STABLE,
    forcible: name === 'stable',
    limits: LIMITS,
    issue: ({ appId, secret, force }) => ({
      upstream: 'wechat',
      method: 'GET',
      path: `/${name}`,
      query: { appid: appId, secret, force: force ? '1' : '' },
    }),
    parseIssue: (reply) => {
      const body = JSON.parse(reply.text) as { access_token?: string; expires_in?: number; errcode?: number };
      if (body.access_token !== undefined) return { ok: true, value: body.access_token, lifetimeMs: (body.expires_in ?? 0) * 1000 };
      const errcode = body.errcode ?? 0;
      return { ok: false, answered: true, failure: { class: CLASSES[errcode] ?? 'rejected', errcode, message: 'told', advice: ADVICE } };
    },
    tryFallbackSecret: (failure) => failure.errcode === 40125,
    probe: {
      request: (value) => ({ upstream: 'wechat', method: 'GET', path: '/probe', query: { value } }),
      verdict: (reply) => {
        const errcode = errcodeOf(reply);
        if (errcode === undefined || errcode === 0) return 'alive';
        return errcode === 40001 || errcode === 42001 ? 'dead' : 'unknown';
      },
    },
    ...changes,
  };
}

/** The two chains as `access_token`; with `probe: null` a kind that cannot be asked about. */
export function catalog(changes: Partial<Chain> = {}): Catalog {
  const kind: KindDeclaration = {
    kind: 'access_token',
    platforms: ['official-account'],
    main: true,
    chains: { stable: chain('stable', changes), classic: chain('classic', changes) },
  };
  return new Catalog([kind]);
}
