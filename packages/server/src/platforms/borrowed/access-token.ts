/**
 * An access_token that another Zhongkong lends: a test environment that uses production's.
 *
 * The lender's drop-in is the upstream, an API key of the lender stands in the secret's place. Asking again costs WeChat
 * nothing and gives the lender's current value with what it may honestly be cached for; `force_refresh` passes a report
 * on, which the lender verifies. So a borrower never makes WeChat issue anything by itself.
 */

import type { Chain, KindDeclaration } from '../../core/kind.ts';
import { parseTokenReply } from '../wechat/access-token.ts';
import { KEY_REFUSED, lenderFailures } from './errors.ts';

const SECOND_MS = 1000;

const borrowed: Chain = {
  name: 'borrowed',
  policy: {
    type: 'sliding',
    // A stable lender has the next value from 235 s left on. A classic one tells lives that end 260 s after its
    // rotation, so that at 220 s left it has rotated too. Either way the first question finds the new value.
    refreshWindowMs: 200 * SECOND_MS,
    jitterMs: 20 * SECOND_MS,
    // A value that the lender replaced before its time (a leak, a report, an order) is served this long at most.
    lookEveryMs: 300 * SECOND_MS,
  },
  forcible: false,
  limits: {
    // A lender in doubt tells lives of 10 s, asked for every 5 s: 17,280 a day at worst.
    issuesPerDay: 20_000,
    scheduledReserve: 1000,
    callsPerMinute: 60,
    // Reports passed on, each of which may cost the lender a verification; no more than it would make anyway.
    forcedPerDay: 2000,
    forcedLeakReserve: 0,
    forcedSpacingMs: 5 * SECOND_MS,
  },
  // In the body also when nothing is forced: a key in a URL would stand in the access logs of proxies.
  issue: ({ appId, secret, force }) => ({
    upstream: 'borrowed',
    method: 'POST',
    path: '/cgi-bin/stable_token',
    json: { grant_type: 'client_credential', appid: appId, secret, force_refresh: force },
  }),
  parseIssue: (reply) => parseTokenReply(reply, lenderFailures),
  tryFallbackSecret: ({ errcode }) => errcode === KEY_REFUSED,
  // The lender looks, when a report is passed on: from here WeChat may not even be reachable.
  probe: null,
  borrowed: {
    advice: {
      en: 'This value is kept by the lender: order the refresh or the leak procedure there. Here the new value is known within 5 minutes, or at once when the old one is reported.',
      zh: '该凭据由出借方维护：请在出借方执行刷新或泄露处置。新值最迟 5 分钟内在本服务生效，上报旧值失效则立即生效。',
    },
  },
};

export const borrowedAccessToken: KindDeclaration = {
  kind: 'access_token',
  platforms: ['borrowed'],
  main: true,
  needsUpstream: 'borrowed',
  chains: { borrowed },
};
