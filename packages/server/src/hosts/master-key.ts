/**
 * Finds the master keys of an installation, and follows which of them seals.
 *
 * The store has the word: the setting `master_key` holds check values, of the key that seals and, behind it, of those
 * that are being replaced (`master-key-rotation.ts`). All of these must be known here, so that no node takes work that
 * it cannot open. A key file is made only for a store that has never seen a key: a missing file beside a used store is
 * an accident that a new key would turn into a loss.
 */

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createKeyDigest, digestKeyOf } from '../adapters/key-digest.ts';
import { readKeyFile, readOrCreateKeyFile } from '../adapters/key-file.ts';
import { KeyRing } from '../adapters/key-ring.ts';
import { MASTER_KEY_BYTES, parseMasterKeys } from '../adapters/master-key.ts';
import { createSeal } from '../adapters/seal.ts';
import { nodeClock } from '../adapters/clock.ts';
import type { Clock } from '../core/clock.ts';
import { ZhongkongError } from '../core/errors.ts';
import type { RotatingSeal } from '../core/seal.ts';
import type { Directory } from '../core/store.ts';

/** The setting that recognises the keys without revealing them: check values, apart by spaces, the first one seals. */
export const KEYS_IN_USE = 'master_key';
/** The setting with the key of the API keys' digests, sealed; absent until the first rotation, when it is derived. */
export const DIGEST_KEY = 'key_digest';
export const DIGEST_KEY_CONTEXT = 'setting key_digest';
/**
 * What the store said of which key seals is believed for this long, ms. A server asks every 5 s (`LOOK_MS`), so that what
 * it seals costs no question of its own while the store answers.
 */
export const BELIEVED_MS = 10_000;

export interface MasterKeySource {
  /** One key or several (`parseMasterKeys`), or null. */
  readonly masterKey: string | null;
  /** Null only for a store that does not outlive the process. */
  readonly masterKeyFile: string | null;
}

export interface MasterKeys {
  readonly ring: KeyRing;
  readonly seal: RotatingSeal;
  /** The keyed digest of an API key; the same for as long as the installation lives. */
  readonly digest: (key: string) => string;
  /** Seals with the key that the store names now; says whether that is another one. Throws `unseal_failed` when it is not known. */
  follow(): Promise<boolean>;
  /**
   * To be awaited right before sealing what is to be stored: asks the store which key seals unless it was asked within
   * `BELIEVED_MS`, so that a node that was cut off during a rotation seals nothing under a key that is gone. Throws
   * `unseal_failed` like `follow`, or `store_unavailable`.
   */
  beforeSealing(): Promise<void>;
}

/** Throws `config_invalid` or `unseal_failed`. */
export async function openMasterKeys(
  source: MasterKeySource,
  directory: Directory,
  clock: Pick<Clock, 'monotonic' | 'wall'> = nodeClock,
): Promise<MasterKeys> {
  const inUse = await directory.setting(KEYS_IN_USE);
  const ring = new KeyRing(load(source, inUse !== null), () => readAgain(source));
  if (inUse === null) await directory.putSetting(KEYS_IN_USE, null, ring.current.check);
  // A machine that slept may count that on the wall clock alone.
  const instant = () => ({ monotonic: clock.monotonic(), wall: clock.wall() });
  let asked: ReturnType<typeof instant> | null = null;
  const isSure = (): boolean => asked !== null && Math.max(clock.monotonic() - asked.monotonic, clock.wall() - asked.wall) < BELIEVED_MS;
  const follow = async (): Promise<boolean> => {
    const before = ring.current;
    const at = instant();
    const checks = checksOf(await directory.setting(KEYS_IN_USE));
    const missing = checks.find((check) => !ring.byCheck(check));
    if (missing !== undefined || !ring.use(checks[0] ?? '')) {
      asked = null;
      throw unknownKey(checks.length > 1);
    }
    asked = at;
    return ring.current !== before;
  };
  const beforeSealing = async (): Promise<void> => {
    if (!isSure()) await follow();
    if (!isSure()) throw new ZhongkongError('store_unavailable', 'the store took too long to say which master key seals');
  };
  await follow();
  const seal = createSeal(ring);
  // After the look at which key seals: a rotation stores this before it lets another key seal.
  const digestKey = await directory.setting(DIGEST_KEY);
  const hmacKey = digestKey === null ? digestKeyOf(ring.current.master) : Buffer.from(seal.open(digestKey, DIGEST_KEY_CONTEXT), 'base64');
  return { ring, seal, digest: createKeyDigest(hmacKey), follow, beforeSealing };
}

/** Throws `conflict` while the master key is being changed: what is sealed then is for both keys, and for this store only. */
export async function assertNoRotation(directory: Directory, place: string): Promise<void> {
  if (checksOf(await directory.setting(KEYS_IN_USE)).length <= 1) return;
  throw new ZhongkongError(
    'conflict',
    { en: `the master key of ${place} is being changed`, zh: `${place} 正在更换主密钥` },
    {
      advice: {
        en: 'Let "zhongkong master-key rotate" end first, or run it again if it was cut off.',
        zh: '请先等 “zhongkong master-key rotate” 结束；若它中途被打断，请重新执行。',
      },
    },
  );
}

export const checksOf = (inUse: string | null): readonly string[] => inUse?.split(' ') ?? [];

function load({ masterKey, masterKeyFile }: MasterKeySource, used: boolean): readonly [Buffer, ...Buffer[]] {
  if (masterKey !== null) return atLeastOne(parseMasterKeys(masterKey));
  if (masterKeyFile === null) return [randomBytes(MASTER_KEY_BYTES)];
  if (used && !existsSync(masterKeyFile)) {
    throw new ZhongkongError(
      'config_invalid',
      {
        en: `the master key file ${masterKeyFile} is missing, and the store's secrets cannot be opened without it`,
        zh: `主密钥文件 ${masterKeyFile} 不存在，没有它就无法解开存储中的秘密`,
      },
      {
        advice: {
          en: 'Put the key file back from your backup, or set ZHONGKONG_MASTER_KEY. Without it, start with a new store and add the accounts again.',
          zh: '请从备份恢复主密钥文件，或设置 ZHONGKONG_MASTER_KEY；如果密钥已丢失，只能换用新的存储并重新添加账号。',
        },
      },
    );
  }
  return atLeastOne(readOrCreateKeyFile(masterKeyFile));
}

const atLeastOne = (keys: readonly Buffer[]): readonly [Buffer, ...Buffer[]] => keys as readonly [Buffer, ...Buffer[]];

/** Only a file can have changed since the start. One that cannot be read now has no keys to add. */
function readAgain({ masterKey, masterKeyFile }: MasterKeySource): readonly Buffer[] {
  if (masterKey !== null || masterKeyFile === null) return [];
  try {
    return readKeyFile(masterKeyFile) ?? [];
  } catch {
    return [];
  }
}

/** `rotating`: a key is being replaced, and the former one may be the missing one. */
function unknownKey(rotating: boolean): ZhongkongError {
  if (!rotating) {
    return new ZhongkongError(
      'unseal_failed',
      {
        en: 'the master key is not the one that this store was sealed with',
        zh: '当前主密钥不是加密此存储时所用的那个',
      },
      {
        advice: {
          en: 'Give the store its own key. If the key in this file was changed with another store, or after this copy was made, the former one is beside it, in a file ending in ".former-" and the key\'s id: set masterKeyFile to that.',
          zh: '请提供此存储自己的密钥。如果该文件中的密钥是随另一个存储更换的，或在复制此存储之后更换过，旧密钥就在同一目录下以 “.former-密钥编号” 结尾的文件中，请把 masterKeyFile 指向它。',
        },
      },
    );
  }
  return new ZhongkongError(
    'unseal_failed',
    {
      en: "the store's master key is being changed, and one of the two keys is not known here",
      zh: '此存储正在更换主密钥，而这里缺少新旧两个密钥中的一个',
    },
    {
      advice: {
        en: 'Give this node both keys, the new one first, until "zhongkong master-key rotate" has finished.',
        zh: '在 “zhongkong master-key rotate” 完成之前，请为此节点同时配置两个密钥，新的在前。',
      },
    },
  );
}
