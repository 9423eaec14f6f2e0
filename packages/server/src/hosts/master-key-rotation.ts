/**
 * Changes the master key of an installation while its servers go on.
 *
 * In order: make sure that the new key will be found wherever the former one was → store the key of the API keys' digests,
 * which was derived from the former → let the store name the new one as the one that seals, with the former behind it →
 * seal everything anew, pass after pass, until one that began when every server must have noticed finds nothing left →
 * put the former key aside.
 * Each step finds out whether it was done, so a rotation that was cut off anywhere is finished by running it again, and
 * the former key is known until nothing needs it. No key and nothing that was sealed appears in what is told.
 */

import { rmSync } from 'node:fs';
import { digestKeyOf } from '../adapters/key-digest.ts';
import { putAside, readKeyFile, readOrCreateKeyFile, replaceKeyFile } from '../adapters/key-file.ts';
import { masterKeyCheck } from '../adapters/master-key.ts';
import type { Clock } from '../core/clock.ts';
import { ZhongkongError } from '../core/errors.ts';
import { type ResealPass, resealPass } from '../core/resealing.ts';
import { resealed } from '../core/seal.ts';
import { readStanding } from '../core/standing.ts';
import type { Directory, Store } from '../core/store.ts';
import { BELIEVED_MS, checksOf, DIGEST_KEY, DIGEST_KEY_CONTEXT, KEYS_IN_USE, type MasterKeys } from './master-key.ts';

export interface RotationDeps {
  readonly keys: MasterKeys;
  /**
   * The key file, when it is this installation's own: a new key is made and written there, the former one moved to a file
   * of its own at the end. Null: the new key was given, as the first of `keys`.
   */
  readonly ownKeyFile: string | null;
  readonly store: Store;
  readonly clock: Clock;
  readonly holder: string;
  readonly progress: (step: RotationStep) => void;
}

export type RotationStep =
  | { readonly step: 'switched'; readonly from: string; readonly to: string }
  | { readonly step: 'resealing'; readonly pass: number; readonly accounts: number; readonly soFar: ResealPass }
  /** Servers may not have noticed yet: `ms` until the last look. */
  | { readonly step: 'waiting'; readonly ms: number };

/** What was done. Keys are named by their ids, the 8 hex that stand in sealed texts. */
export interface RotationResult {
  /** Null when the store named the new key already: only what was left was sealed anew. */
  readonly from: string | null;
  readonly to: string;
  readonly accounts: number;
  readonly credentials: number;
  /** Where the former keys are from now on; none where keys were given. */
  readonly formerKeyFiles: readonly string[];
}

/**
 * A write that was sealed has landed or failed by then, ms: at a server of a database at most 12 s behind a batch whose
 * answer is awaited, 5 s for a connection and 12 s for its own answer, 29 s; less elsewhere.
 */
const LANDED_MS = 30_000;
/**
 * Nothing is sealed under the former key later than `BELIEVED_MS` after it was replaced, and that has landed `LANDED_MS`
 * later: a pass that begins then finds it. A process that was stopped in between for longer finds its lease or revision
 * taken by the first pass.
 */
const NOTICED_MS = BELIEVED_MS + LANDED_MS;
/** Between passes while something was left. */
const AGAIN_MS = 1000;
/** Twice the longest lease: whatever is in the way for longer is no refresh. */
const PATIENCE_MS = 600_000;

/** Throws `config_invalid` (no new key), `unseal_failed`, `conflict` (another rotation, a move, a copy not marked) or `store_unavailable`. */
export async function rotateMasterKey(deps: RotationDeps): Promise<RotationResult> {
  const { keys } = deps;
  const { directory } = deps.store;
  await assertSettled(directory);
  const inUse = checksOf(await directory.setting(KEYS_IN_USE));
  const former = keys.ring.current;
  const wanted = inUse.length > 1 ? former.check : newKey(deps);
  await keepDigestKey(directory, keys);
  if (!keys.ring.use(wanted)) throw noNewKey();
  const { current } = keys.ring;
  const from = current === former ? null : former.id;
  const replacing = [current.check, ...inUse.filter((check) => check !== current.check)].join(' ');
  if (!(await directory.putSetting(KEYS_IN_USE, inUse.join(' '), replacing))) throw anotherRotation();
  if (from !== null) {
    await audit(deps, 'master_key.rotation_started', { from, to: current.id });
    deps.progress({ step: 'switched', from, to: current.id });
  }
  await resealDigestKey(directory, keys);
  const { accounts, credentials } = await resealAll(deps);
  await audit(deps, 'master_key.rotated', { to: current.id, accounts, credentials });
  const isDone = await directory.putSetting(KEYS_IN_USE, replacing, current.check);
  // Another command may have finished the same rotation.
  if (!isDone && (await directory.setting(KEYS_IN_USE)) !== current.check) throw anotherRotation();
  const formerKeyFiles = deps.ownKeyFile === null ? [] : setAside(deps.ownKeyFile, keys);
  return { from, to: current.id, accounts, credentials, formerKeyFiles };
}

/** The check value of the key to change to. In an own file it is put in front, so that from here on it cannot be lost. */
function newKey({ keys: { ring }, ownKeyFile: file }: RotationDeps): string {
  if (file === null) {
    // The first one given. That it is in use already is no mistake where others are left to be taken away.
    if (ring.first === ring.current && ring.known.length === 1) throw noNewKey();
    return ring.first.check;
  }
  // Of two commands at once both end with the same new key; a draft that is in use already was left by a crash.
  const draft = draftOf(file);
  const drawn = (): Buffer => readOrCreateKeyFile(draft)[0] as Buffer;
  let fresh = drawn();
  if (masterKeyCheck(fresh) === ring.current.check) {
    rmSync(draft, { force: true });
    fresh = drawn();
  }
  // Read after the draft: whoever has removed one draft has its key in the file.
  const known = readKeyFile(file) ?? [];
  replaceKeyFile(file, [fresh, ...known.filter((key) => !key.equals(fresh))]);
  return masterKeyCheck(fresh);
}

const draftOf = (file: string): string => `${file}.next`;

/**
 * Here nothing is left under any key that was known, but another store with the same key file, or a backup, may need it:
 * the only copy is never destroyed. A key that another command has added since is not ours to move.
 */
function setAside(file: string, { ring }: MasterKeys): readonly string[] {
  const former = ring.known.filter((key) => key !== ring.current);
  const isFormer = (key: Buffer): boolean => former.some(({ master }) => master.equals(key));
  const keys = readKeyFile(file) ?? [];
  const files = keys.filter(isFormer).map((key) => putAside(file, key));
  replaceKeyFile(
    file,
    keys.filter((key) => !isFormer(key)),
  );
  rmSync(draftOf(file), { force: true });
  return files;
}

/**
 * The digests of API keys outlive every master key: their key is stored before another one seals, under the former, so
 * that whoever gives up here has changed nothing.
 */
async function keepDigestKey(directory: Directory, { seal, ring }: MasterKeys): Promise<void> {
  if ((await directory.setting(DIGEST_KEY)) !== null) return;
  const sealed = seal.seal(digestKeyOf(ring.current.master).toString('base64'), DIGEST_KEY_CONTEXT);
  if (!(await directory.putSetting(DIGEST_KEY, null, sealed))) throw anotherRotation();
}

async function resealDigestKey(directory: Directory, { seal }: MasterKeys): Promise<void> {
  const stored = (await directory.setting(DIGEST_KEY)) ?? '';
  const next = resealed(seal, stored, DIGEST_KEY_CONTEXT);
  if (next !== stored && !(await directory.putSetting(DIGEST_KEY, stored, next))) throw anotherRotation();
}

/** Passes until one finds nothing that began when every server had noticed which key seals. */
async function resealAll(deps: RotationDeps): Promise<Pick<ResealPass, 'accounts' | 'credentials'>> {
  const { store, clock, holder, progress } = deps;
  const { seal, ring } = deps.keys;
  const { directory } = store;
  const noticedAt = clock.monotonic() + NOTICED_MS;
  const total = await directory.countAccounts();
  let [accounts, credentials] = [0, 0];
  for (let pass = 1; ; pass += 1) {
    const startedAt = clock.monotonic();
    // After the switch: a move that begins later sees that and leaves off.
    await assertSettled(directory);
    // Two commands with two new keys would undo each other's work.
    if (checksOf(await directory.setting(KEYS_IN_USE))[0] !== ring.current.check) throw anotherRotation();
    const soFar = (counts: ResealPass) => progress({ step: 'resealing', pass, accounts: total, soFar: counts });
    const met = await resealPass({ ...store, seal, holder }, soFar);
    accounts += met.accounts;
    credentials += met.credentials;
    if (met.unopened.length > 0) throw cannotOpen(met.unopened);
    const left = met.accounts + met.credentials + met.busy;
    if (left === 0 && startedAt >= noticedAt) return { accounts, credentials };
    if (startedAt > noticedAt + PATIENCE_MS) throw neverEnds(met);
    // A timer takes whole ms, and would wake just before.
    const ms = left > 0 ? AGAIN_MS : Math.ceil(noticedAt - clock.monotonic());
    if (left === 0) progress({ step: 'waiting', ms });
    await clock.sleep(Math.max(0, ms));
  }
}

async function audit({ store }: RotationDeps, action: string, data: Readonly<Record<string, string | number>>): Promise<void> {
  await store.directory.appendAudit([{ at: await store.credentials.now(), action, actor: 'cli', subject: '', data }]);
}

/** What is being moved, or marked as a copy, is written by somebody who does not hear of another key. */
async function assertSettled(directory: Directory): Promise<void> {
  const { standing } = await readStanding(directory);
  if (standing.state === 'active' || (standing.state === 'dormant' && standing.marked)) return;
  throw new ZhongkongError(
    'conflict',
    { en: 'this store is being moved or restored, or was moved', zh: '此存储正在迁移或恢复，或已迁移到另一存储' },
    {
      advice: {
        en: 'Finish that first, then run this again; of a store that was moved, change the key of the new one.',
        zh: '请先完成迁移或恢复，再执行本命令；对已迁移的存储，请更换新存储的密钥。',
      },
    },
  );
}

const noNewKey = (): ZhongkongError =>
  new ZhongkongError(
    'config_invalid',
    { en: 'there is no new master key to change to', zh: '没有可更换的新主密钥' },
    {
      advice: {
        en: 'Make one with "openssl rand -base64 32", give every node both, the new one first (masterKey: "NEW,FORMER", or two lines in masterKeyFile), then run this with the same configuration.',
        zh: '请用 “openssl rand -base64 32” 生成新密钥，在所有节点上同时配置两个、新的在前（masterKey 写成 NEW,FORMER，或 masterKeyFile 中写两行），再用同样的配置执行本命令。',
      },
    },
  );

const anotherRotation = (): ZhongkongError =>
  new ZhongkongError('conflict', {
    en: 'another "master-key rotate" is at work on this store; run this again when it has ended',
    zh: '另一个 “master-key rotate” 正在处理此存储，请在它结束后重试',
  });

function cannotOpen(ids: readonly string[]): ZhongkongError {
  const names = ids.join(', ');
  return new ZhongkongError(
    'unseal_failed',
    {
      en: `no known key opens what is stored for: ${names}; everything else is sealed with the new key, and the former one was kept`,
      zh: `以下账号的数据无法用任何已知密钥解开：${names}；其余均已改用新密钥，旧密钥仍予保留`,
    },
    {
      advice: {
        en: 'With a server running, enter the AppSecret again with "zhongkong account secret ID": what else of the account no key opens is issued anew. Or remove the account. Then run this again.',
        zh: '请在服务运行时用 “zhongkong account secret 账号” 重新录入 AppSecret，该账号其他无法解开的凭据会随之重新签发；或移除该账号。然后再次执行。',
      },
    },
  );
}

const neverEnds = ({ accounts, credentials, busy }: ResealPass): ZhongkongError =>
  new ZhongkongError(
    'conflict',
    {
      en: `something goes on sealing with the former key (last pass: ${accounts} accounts, ${credentials} credentials, ${busy} busy); it was kept`,
      zh: `仍有节点在用旧密钥加密（最后一轮：${accounts} 个账号，${credentials} 个凭据，${busy} 个占用中）；旧密钥仍予保留`,
    },
    {
      advice: {
        en: 'Find the node that does not have the new key (GET /readyz names it), restart it with both keys, then run this again.',
        zh: '请找出没有新密钥的节点（GET /readyz 会说明），为其配置两个密钥并重启，然后再次执行。',
      },
    },
  );
