/**
 * Whether WeChat accepts each account's AppSecret from this machine, or a lender its key, without touching credentials.
 *
 * Always asked through a chain whose unforced issue kills nothing (stable_token gives the running value again).
 * For an account in classic mode that is so because the two chains are isolated at WeChat; a classic issue is never made
 * to check, because it would make the running token invalid. What WeChat gives is thrown away.
 */

import type { Account } from '../../core/account.ts';
import type { Bilingual } from '../../core/failure.ts';
import type { Chain, KindDeclaration } from '../../core/kind.ts';
import { issueKillsCurrent } from '../../core/policy.ts';
import { type Seal, secretContext } from '../../core/seal.ts';
import type { Directory } from '../../core/store.ts';
import { type Upstream, UpstreamError } from '../../core/upstream.ts';
import { type Finding, finding, reasonOf } from './finding.ts';

export interface AccountCheckDeps {
  readonly directory: Directory;
  readonly seal: Seal;
  readonly upstream: Upstream;
  readonly kinds: readonly KindDeclaration[];
}

const DEADLINE_MS = 5000;
/** Asked at the same time: the check must not look like an attack. */
const CONCURRENCY = 4;
/** Without names, so many: a platform with 10,000 merchants has other ways to look. */
const MOST = 50;

export async function checkAccountSecrets(ids: readonly string[], deps: AccountCheckDeps): Promise<Finding[]> {
  const { directory } = deps;
  const findings: Finding[] = [];
  const accounts: Account[] = [];
  if (ids.length === 0) {
    accounts.push(...(await directory.accounts({ after: null, limit: MOST })));
    const more = (await directory.countAccounts()) - accounts.length;
    if (more > 0)
      findings.push(
        finding('secret', 'info', {
          en: `${more} more accounts were not asked for; name them`,
          zh: `另有 ${more} 个账号未检查，可逐个指定`,
        }),
      );
    if (accounts.length === 0) findings.push(finding('secret', 'info', { en: 'no accounts yet', zh: '还没有账号' }));
  }
  for (const id of ids) {
    const account = await directory.account(id);
    if (account) accounts.push(account);
    else findings.push(finding('secret', 'error', { en: 'no such account', zh: '没有这个账号' }, null, id));
  }
  const waiting = [...accounts];
  const worker = async (): Promise<void> => {
    for (let account = waiting.shift(); account; account = waiting.shift()) findings.push(...(await checkOne(account, deps)));
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return findings;
}

/** The `upstreams.*` that the accounts there need; null where there are none yet, or more than are looked at. */
export async function upstreamsInUse(directory: Directory, kinds: readonly KindDeclaration[]): Promise<ReadonlySet<string> | null> {
  const accounts = await directory.accounts({ after: null, limit: MOST + 1 });
  if (accounts.length === 0 || accounts.length > MOST) return null;
  const platforms = new Set(accounts.map(({ platform }) => platform));
  const needed = kinds.filter((kind) => kind.platforms.some((platform) => platforms.has(platform)));
  return new Set(needed.map(({ needsUpstream }) => needsUpstream ?? 'wechat'));
}

/** A chain that may be asked while its value is in use. */
const harmless = (kinds: readonly KindDeclaration[], { platform }: Account): Chain | undefined =>
  kinds
    .filter((kind) => kind.main && kind.platforms.includes(platform))
    .flatMap(({ chains }) => Object.values(chains))
    .find(({ policy }) => !issueKillsCurrent(policy, false));

async function checkOne(account: Account, { seal, upstream, kinds }: AccountCheckDeps): Promise<Finding[]> {
  const { id } = account;
  if (!account.enabled) return [finding('secret', 'info', { en: 'disabled, not asked', zh: '已停用，未检查' }, null, id)];
  const chain = harmless(kinds, account);
  if (!chain) return [finding('secret', 'info', { en: 'cannot be checked without an issue', zh: '不签发凭据就无法检查' }, null, id)];
  const verdicts: Finding[] = [];
  for (const [slot, sealed] of account.sealedSecrets.entries()) {
    verdicts.push(await checkSecret(account, slot, () => seal.open(sealed, secretContext(id)), chain, upstream));
    // A network that is closed to the one is closed to the other.
    if (verdicts.at(-1)?.check === 'reach') break;
  }
  return halfDead(verdicts, id);
}

/** Of two secrets one works: the account is kept, so the dead one deserves a look and is no error. */
function halfDead(verdicts: readonly Finding[], id: string): Finding[] {
  const works = verdicts.map(({ level }) => level === 'ok');
  if (works.length < 2 || works.every(Boolean) || !works.some(Boolean)) return [...verdicts];
  const advice = works[0]
    ? {
        en: `Remove it: "zhongkong account secret ${id}" with the first one alone.`,
        zh: `请移除它：执行 “zhongkong account secret ${id}”，只填首选的那个。`,
      }
    : {
        en: `The fallback works: put the working one first with "zhongkong account secret ${id}".`,
        zh: `备用的可用：请执行 “zhongkong account secret ${id}”，把可用的那个放在首位。`,
      };
  return verdicts.map((one) => (one.level === 'error' ? { ...one, level: 'warning', advice } : one));
}

/** Who is asked, by the upstream's name. */
const ASKED: Readonly<Record<string, Bilingual>> = { borrowed: { en: 'the lender', zh: '出借方' } };
const WECHAT: Bilingual = { en: 'WeChat', zh: '微信' };

const slotName = (slot: number): Bilingual => (slot === 0 ? { en: '', zh: '' } : { en: 'fallback: ', zh: '备用：' });

async function checkSecret(account: Account, slot: number, open: () => string, chain: Chain, upstream: Upstream): Promise<Finding> {
  const { id, appId } = account;
  const which = slotName(slot);
  const told = (level: 'ok' | 'warning' | 'error', text: Bilingual, advice: Bilingual | null, check = 'secret'): Finding =>
    finding(check, level, { en: which.en + text.en, zh: which.zh + text.zh }, advice, id);
  let secret: string;
  try {
    secret = open();
  } catch {
    return told(
      'error',
      { en: 'cannot be unsealed', zh: '无法解密' },
      {
        en: 'Enter it again with "zhongkong account secret".',
        zh: '请用 “zhongkong account secret” 重新录入。',
      },
    );
  }
  const request = chain.issue({ appId, secret, force: false });
  const { en, zh } = ASKED[request.upstream] ?? WECHAT;
  try {
    const outcome = chain.parseIssue(await upstream.send(request, DEADLINE_MS));
    if (outcome.ok) return told('ok', { en: `${en} accepts it from this machine`, zh: `${zh}接受此密钥和本机 IP` }, null);
    const { errcode, message, egressIp, advice } = outcome.failure;
    const code = errcode === undefined ? '' : `${errcode} `;
    const seen =
      egressIp === undefined
        ? { en: '', zh: '' }
        : { en: `; WeChat sees this machine as ${egressIp}`, zh: `；微信看到的本机 IP 是 ${egressIp}` };
    const check = egressIp === undefined ? 'secret' : 'whitelist';
    return told('error', { en: `${code}${message}${seen.en}`, zh: `${code}${message}${seen.zh}` }, advice, check);
  } catch (error) {
    const reason = error instanceof UpstreamError ? error.reason : reasonOf(error);
    return told('error', { en: `${en} could not be asked (${reason})`, zh: `无法询问${zh}（${reason}）` }, null, 'reach');
  }
}
