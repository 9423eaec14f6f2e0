/**
 * What must hold between options. Each rule names the options it looks at and runs when each of them is right by itself.
 *
 * A rule gives the lines of what is wrong; it never sees what the schema refused.
 */

import { isEmbedded, isLoopback } from './formats.ts';
import type { ConfigForm } from './schema.ts';

/** Modes that accounts of a platform may use, the default first, by platform. */
export type Platforms = Readonly<Record<string, readonly string[]>>;

interface Rule {
  readonly of: readonly (keyof ConfigForm)[];
  readonly check: (config: ConfigForm, platforms: Platforms) => readonly string[];
}

/** Only what is truthy. */
const lines = (...found: readonly (string | false)[]): string[] => found.filter((line) => line !== false);

/** One line for each thing that is there twice. `nameOf` says what may be shown of it. */
function repeated<T>(
  items: readonly T[],
  identity: (item: T) => string,
  line: (item: T, first: number, second: number) => string,
): string[] {
  const firstAt = new Map<string, number>();
  return items.flatMap((item, index) => {
    const first = firstAt.get(identity(item));
    if (first !== undefined) return [line(item, first, index)];
    firstAt.set(identity(item), index);
    return [];
  });
}

/** Names that the audit trail knows as the admin key and the command line on the server's machine. */
const OWN_NAMES: ReadonlySet<string> = new Set(['admin', 'cli']);

const RULES: readonly Rule[] = [
  {
    of: ['listen', 'tls', 'trustedProxies', 'allowPlainHttp'],
    check: ({ listen, tls, trustedProxies, allowPlainHttp }) =>
      lines(
        !isLoopback(listen.host) &&
          tls === null &&
          trustedProxies.length === 0 &&
          !allowPlainHttp &&
          `listen is beyond loopback (${JSON.stringify(listen.host)}) without TLS: set tls, or trustedProxies when a reverse proxy does TLS, or allowPlainHttp: true`,
      ),
  },
  {
    of: ['masterKey', 'masterKeyFile'],
    check: ({ masterKey, masterKeyFile }) =>
      lines(masterKey !== null && masterKeyFile !== null && 'masterKey and masterKeyFile are both set: keep one'),
  },
  {
    of: ['store', 'masterKey', 'masterKeyFile', 'adminKey'],
    check: ({ store, masterKey, masterKeyFile, adminKey }) =>
      isEmbedded(store)
        ? []
        : lines(
            masterKey === null &&
              masterKeyFile === null &&
              'masterKey (or masterKeyFile) is required with this store: all nodes need the same one',
            adminKey === null && 'adminKey is required with this store',
          ),
  },
  {
    of: ['refresh'],
    check: ({ refresh: { leaseSeconds, upstreamTimeoutSeconds } }) =>
      // Under one lease a report may need a look, a probe and a forced issue, and the last one must still fit.
      lines(
        leaseSeconds < 4 * upstreamTimeoutSeconds &&
          `refresh.leaseSeconds must be at least 4 × refresh.upstreamTimeoutSeconds (${4 * upstreamTimeoutSeconds}), got ${leaseSeconds}`,
      ),
  },
  {
    of: ['accounts'],
    check: ({ accounts }, platforms) =>
      (accounts ?? []).flatMap((account, index) => {
        const at = `accounts[${index}]`;
        const modes = Object.hasOwn(platforms, account.platform) ? platforms[account.platform] : undefined;
        const { mode, secret, secretFile } = account;
        return lines(
          account.id === undefined && account.app_id === undefined && `${at}.id is required (or app_id)`,
          !modes && `${at}.platform must be one of ${Object.keys(platforms).join(', ')}, got ${JSON.stringify(account.platform)}`,
          modes !== undefined &&
            mode !== undefined &&
            !modes.includes(mode) &&
            `${at}.mode must be one of ${modes.join(', ')}, got ${JSON.stringify(mode)}`,
          secret === undefined && secretFile === undefined && `${at}.secret is required (or secretFile)`,
          secret !== undefined && secretFile !== undefined && `${at}.secret and ${at}.secretFile are both set: keep one`,
        );
      }),
  },
  {
    of: ['accounts'],
    check: ({ accounts }) => [
      ...repeated(
        accounts ?? [],
        ({ id, app_id }) => id ?? app_id ?? '',
        ({ id, app_id }, first, second) => `accounts[${second}].id is that of accounts[${first}] too: ${JSON.stringify(id ?? app_id)}`,
      ),
      ...repeated(
        accounts ?? [],
        ({ id, app_id, platform }) => `${platform} ${app_id ?? id}`,
        (_, first, second) => `accounts[${second}] is the same platform and app_id as accounts[${first}]`,
      ),
    ],
  },
  {
    of: ['keys'],
    check: ({ keys }) => [
      ...repeated(
        keys,
        ({ name }) => name,
        ({ name }, first, second) => `keys[${second}].name is that of keys[${first}] too: ${JSON.stringify(name)}`,
      ),
      ...repeated(
        keys,
        ({ key }) => key,
        (_, first, second) => `keys[${second}].key is that of keys[${first}] too, got (secret)`,
      ),
    ],
  },
  {
    of: ['keys'],
    check: ({ keys }) =>
      keys.flatMap(({ name }, index) => lines(OWN_NAMES.has(name) && `keys[${index}].name is one of our own, got ${JSON.stringify(name)}`)),
  },
  {
    of: ['keys', 'adminKey'],
    check: ({ keys, adminKey }) =>
      keys.flatMap(({ key }, index) => lines(key === adminKey && `keys[${index}].key is the adminKey too, got (secret)`)),
  },
];

/** Every rule whose options are all in `valid`. */
export function brokenRules(config: Partial<ConfigForm>, platforms: Platforms): readonly string[] {
  return RULES.filter(({ of }) => of.every((name) => Object.hasOwn(config, name))).flatMap(({ check }) =>
    check(config as ConfigForm, platforms),
  );
}
