/**
 * Brings the accounts that the configuration declares into the directory.
 *
 * An account is written only when its declaration changed since it was last written, so what an operator changed
 * later wins until then. One that is no longer declared is disabled, never deleted.
 */

import type { Accounts } from '../core/accounts.ts';
import type { DeclaredAccount } from '../core/declared.ts';
import { ZhongkongError } from '../core/errors.ts';
import type { Directory } from '../core/store.ts';

export interface DeclaredDeps {
  readonly accounts: Accounts;
  readonly directory: Directory;
  /** A keyed digest: a declaration holds AppSecrets. */
  readonly digest: (text: string) => string;
}

/** The setting that remembers which accounts were declared, as a JSON list of ids. */
const DECLARED = 'declared_accounts';
const ACTOR = 'config';

export async function applyDeclaredAccounts(deps: DeclaredDeps, declared: readonly DeclaredAccount[]): Promise<void> {
  const { accounts, directory } = deps;
  const remembered = await directory.setting(DECLARED);
  const ids = declared.map(({ id }) => id);
  // Remembered before anything is written, so that a crash half-way forgets nobody.
  const before = remembered === null ? [] : (JSON.parse(remembered) as string[]);
  const all = JSON.stringify([...new Set([...before, ...ids])].sort());
  await remember(directory, remembered, all);
  for (const account of declared) await apply(deps, account);
  for (const id of before) {
    if (ids.includes(id)) continue;
    const account = await accounts.get(id);
    if (account && account.declaration !== '') await accounts.update(id, { enabled: false, declaration: '' }, ACTOR);
  }
  await remember(directory, all, JSON.stringify([...ids].sort()));
}

/** Nodes that start together apply the same declaration: whoever comes second finds it done. */
async function apply(deps: DeclaredDeps, declared: DeclaredAccount): Promise<void> {
  for (let again = 2; ; again -= 1) {
    try {
      return await write(deps, declared);
    } catch (error) {
      if (!(error instanceof ZhongkongError)) throw error;
      if (error.code === 'invalid_request') throw refused(declared.id, error);
      if (error.code !== 'conflict') throw error;
      const stored = await deps.accounts.fresh(declared.id);
      if (stored === null) {
        const taken = {
          en: `accounts: the app_id of "${declared.id}" belongs to another account of its platform`,
          zh: `accounts：“${declared.id}” 的 app_id 已属于同一平台的另一个账号`,
        };
        throw new ZhongkongError('config_invalid', taken, { cause: error });
      }
      if (again === 0) throw error;
    }
  }
}

/** What the configuration's own checks let pass, because it takes the platforms' declarations to see it. */
function refused(id: string, error: ZhongkongError): ZhongkongError {
  const { en, zh } = error.text;
  const text = { en: `accounts: "${id}": ${en}`, zh: `accounts：“${id}”：${zh}` };
  return new ZhongkongError('config_invalid', text, { advice: error.advice, cause: error });
}

async function write({ accounts, digest }: DeclaredDeps, declared: DeclaredAccount): Promise<void> {
  const { id, platform, appId, parent, mode, secrets, enabled, note } = declared;
  const declaration = digest(JSON.stringify([id, platform, appId, parent, mode, secrets, enabled, note]));
  const known = await accounts.fresh(id);
  const chosen = mode === null ? {} : { mode };
  if (known === null) {
    await accounts.create({ id, platform, appId, parent, ...chosen, secrets, enabled, note, declaration }, ACTOR);
    return;
  }
  if (known.declaration === declaration) return;
  if (known.platform !== platform || known.appId !== appId || known.parent !== parent) {
    throw new ZhongkongError('config_invalid', {
      en: `accounts: "${id}" exists already with another platform, app_id or parent`,
      zh: `accounts：“${id}” 已存在，但 platform、app_id 或 parent 不同`,
    });
  }
  await accounts.update(id, { ...chosen, secrets, enabled, note, declaration }, ACTOR);
}

/** Two nodes starting with one configuration write the same; the one that comes second need not. */
async function remember(directory: Directory, expected: string | null, value: string): Promise<void> {
  if (expected !== value) await directory.putSetting(DECLARED, expected, value);
}
