/**
 * The credential kinds of a run: WeChat's own two chains as the product declares them, and small declarations for what
 * this version has no platform for yet: sliding, independent, a kind that cannot be probed, a classic chain with a
 * budget that can be used up.
 */

import { Catalog, type Chain, type KindDeclaration } from '../src/core/kind.ts';
import { accessToken } from '../src/platforms/wechat/access-token.ts';

const classic = accessToken.chains.classic as Chain;
const stable = accessToken.chains.stable as Chain;

/** How WeChat treats a repeated call of a chain; the model's side of a refresh policy. */
export type Manner = 'rotate' | 'stable' | 'sliding' | 'independent';

const asked =
  (name: string): Chain['issue'] =>
  ({ appId, secret }) => ({
    upstream: 'wechat',
    method: 'GET',
    path: `/sim/${name}`,
    query: { appid: appId, secret },
  });

const other: Readonly<Record<string, Chain>> = {
  sliding: {
    ...classic,
    name: 'sliding',
    policy: { type: 'sliding', refreshWindowMs: 600_000, jitterMs: 60_000 },
    issue: asked('sliding'),
  },
  independent: {
    ...classic,
    name: 'independent',
    policy: { type: 'independent', refreshWindowMs: 600_000, jitterMs: 60_000 },
    issue: asked('independent'),
  },
  unprobed: {
    ...classic,
    name: 'unprobed',
    policy: { type: 'independent', refreshWindowMs: 600_000, jitterMs: 60_000 },
    probe: null,
    issue: asked('unprobed'),
  },
  tight: {
    ...classic,
    name: 'tight',
    limits: { ...classic.limits, issuesPerDay: 40, scheduledReserve: 12 },
    issue: asked('tight'),
  },
};

const neighbour: KindDeclaration = { kind: 'access_token', platforms: ['neighbour'], main: true, chains: other };

export const CATALOG = new Catalog([accessToken, neighbour]);

interface Mode {
  readonly platform: string;
  readonly mode: string;
  readonly chain: Chain;
  readonly manner: Manner;
}

/** Every mode an account of a run may have, WeChat's own twice as likely. */
export const MODES: readonly Mode[] = [
  { platform: 'official-account', mode: 'classic', chain: classic, manner: 'rotate' },
  { platform: 'official-account', mode: 'stable', chain: stable, manner: 'stable' },
  { platform: 'mini-program', mode: 'classic', chain: classic, manner: 'rotate' },
  { platform: 'mini-program', mode: 'stable', chain: stable, manner: 'stable' },
  { platform: 'neighbour', mode: 'sliding', chain: other.sliding as Chain, manner: 'sliding' },
  { platform: 'neighbour', mode: 'independent', chain: other.independent as Chain, manner: 'independent' },
  { platform: 'neighbour', mode: 'unprobed', chain: other.unprobed as Chain, manner: 'independent' },
  { platform: 'neighbour', mode: 'tight', chain: other.tight as Chain, manner: 'rotate' },
];
