/**
 * What must hold between options. Each rule names the options it looks at and runs when each of them is right by itself.
 *
 * A rule never sees what the schema refused. What must hold among the items of a list is in `item-rules.ts`.
 */

import type { Bilingual } from '../core/failure.ts';
import { isEmbedded, isLoopback } from './formats.ts';
import { type Mistake, mistake, type Path, type SourceOf } from './mistakes.ts';
import type { ConfigForm } from './schema.ts';

interface Rule {
  readonly of: readonly (keyof ConfigForm)[];
  /** Whose sources are told. Default: those of `of`. */
  readonly at?: readonly Path[];
  /** Of no matter to a command that works on the store by itself. */
  readonly onlyServing?: true;
  /** What is wrong, or null. */
  readonly check: (config: ConfigForm) => Bilingual | null;
}

const RULES: readonly Rule[] = [
  {
    of: ['listen', 'tls', 'trustedProxies', 'allowPlainHttp'],
    check({ listen: { host }, tls, trustedProxies, allowPlainHttp }) {
      if (isLoopback(host) || tls !== null || trustedProxies.length > 0 || allowPlainHttp) return null;
      const shown = JSON.stringify(host);
      return {
        en: `listen is beyond loopback (${shown}) without TLS: set tls, or trustedProxies when a reverse proxy does TLS, or allowPlainHttp: true`,
        zh: `listen 监听了非回环地址（${shown}）但没有 TLS：请配置 tls；由反向代理负责 TLS 时配置 trustedProxies；或设 allowPlainHttp: true`,
      };
    },
  },
  {
    of: ['masterKey', 'masterKeyFile'],
    check: ({ masterKey, masterKeyFile }) =>
      masterKey === null || masterKeyFile === null
        ? null
        : { en: 'masterKey and masterKeyFile are both set: keep one', zh: 'masterKey 和 masterKeyFile 只能设置一个' },
  },
  {
    of: ['store', 'masterKey', 'masterKeyFile'],
    check: ({ store, masterKey, masterKeyFile }) =>
      isEmbedded(store) || masterKey !== null || masterKeyFile !== null
        ? null
        : {
            en: 'masterKey (or masterKeyFile) is required with this store: all nodes need the same one',
            zh: '使用此存储必须设置 masterKey（或 masterKeyFile），且所有节点相同',
          },
  },
  {
    of: ['store', 'adminKey'],
    onlyServing: true,
    check: ({ store, adminKey }) =>
      isEmbedded(store) || adminKey !== null ? null : { en: 'adminKey is required with this store', zh: '使用此存储必须设置 adminKey' },
  },
  {
    of: ['refresh'],
    at: [
      ['refresh', 'leaseSeconds'],
      ['refresh', 'upstreamTimeoutSeconds'],
    ],
    check({ refresh: { leaseSeconds, upstreamTimeoutSeconds } }) {
      // Under one lease a report may need a look, a probe and a forced issue, and the last one must still fit.
      const least = 4 * upstreamTimeoutSeconds;
      if (leaseSeconds >= least) return null;
      return {
        en: `refresh.leaseSeconds must be at least 4 × refresh.upstreamTimeoutSeconds (${least}), got ${leaseSeconds}`,
        zh: `refresh.leaseSeconds 至少应为 refresh.upstreamTimeoutSeconds 的 4 倍（${least}），实际为 ${leaseSeconds}`,
      };
    },
  },
];

/** Of every rule whose options are all in `valid`. */
export function brokenRules(valid: Partial<ConfigForm>, serving: boolean, sourceOf: SourceOf): Mistake[] {
  return RULES.filter(({ of, onlyServing }) => (serving || !onlyServing) && of.every((name) => Object.hasOwn(valid, name))).flatMap(
    ({ of, at = of.map((name) => [name]), check }) => {
      const broken = check(valid as ConfigForm);
      return broken === null ? [] : [mistake(broken, null, sourceOf, ...at)];
    },
  );
}
