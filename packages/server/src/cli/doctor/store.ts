/** The store: it opens, can be written, and its secrets can be opened with the master key that was found. */

import { existsSync } from 'node:fs';
import { databaseFile } from '../../config/formats.ts';
import type { Config } from '../../config/schema.ts';
import { asZhongkongError } from '../../core/errors.ts';
import type { Seal } from '../../core/seal.ts';
import { readStanding, suspensionOf } from '../../core/standing.ts';
import type { Store } from '../../core/store.ts';
import { KEYS_IN_USE, openMasterKeys } from '../../hosts/master-key.ts';
import { openStore } from '../../stores/open.ts';
import { errorCode, errorText } from '../failure.ts';
import { storePlace } from '../../stores/place.ts';
import { type Finding, finding } from './finding.ts';

export interface StoreCheck {
  readonly findings: readonly Finding[];
  /** Null when it cannot be opened, or is not there yet. The caller closes it. */
  readonly store: Store | null;
  /** Null when there is no right master key, and when WeChat is not to be asked on the strength of this store. */
  readonly seal: Seal | null;
}

const failed = (check: string, error: unknown, subject: string | null): Finding => {
  const known = asZhongkongError(error);
  const { en, zh } = errorText(known);
  const code = errorCode(known);
  return finding(check, 'error', { en: `${en} [${code}]`, zh: `${zh} [${code}]` }, known.advice, subject);
};

export async function checkStore(config: Config): Promise<StoreCheck> {
  // Nothing to look at from here: it lives in the server's process.
  if (config.store === 'memory:') return { findings: [], store: null, seal: null };
  const database = databaseFile(config.store);
  const place = storePlace(config.store);
  if (database !== null && !existsSync(database)) {
    const text = { en: 'there is no database yet; the first start makes it', zh: '尚无数据库，首次启动时创建' };
    return { findings: [finding('store', 'info', text, null, place)], store: null, seal: null };
  }
  let store: Store;
  try {
    store = await openStore(config.store);
  } catch (error) {
    return { findings: [failed('store', error, place)], store: null, seal: null };
  }
  const risks = (store.warnings ?? []).map((text) => finding('store', 'warning', text, null, place));
  try {
    await store.ping();
    const writable = finding('store', 'ok', { en: 'opens and can be written', zh: '可打开、可写入' }, null, place);
    const { key, seal } = await masterKey(config, store);
    const suspension = suspensionOf((await readStanding(store.directory)).standing);
    if (suspension === null) return { findings: [writable, ...risks, key], store, seal };
    // Asking for a token may replace it, which is what such a store must not do.
    const standing = finding('standing', 'error', suspension.message, suspension.advice, place);
    return { findings: [writable, ...risks, standing, key], store, seal: null };
  } catch (error) {
    return { findings: [...risks, failed('store', error, place)], store, seal: null };
  }
}

async function masterKey(config: Config, { directory }: Store): Promise<{ key: Finding; seal: Seal | null }> {
  const { masterKeyFile } = config;
  const subject = config.masterKey === null ? masterKeyFile : 'masterKey';
  const isNew = (await directory.setting(KEYS_IN_USE)) === null;
  // Finding a key for a store without one would make it: that is the server's to do.
  if (isNew && config.masterKey === null && (masterKeyFile === null || !existsSync(masterKeyFile))) {
    return {
      key: finding('master-key', 'info', { en: 'none yet; the first start makes it', zh: '尚无主密钥，首次启动时创建' }, null, subject),
      seal: null,
    };
  }
  try {
    const { seal } = await openMasterKeys(config, directory);
    return { key: finding('master-key', 'ok', { en: "is the store's", zh: '与存储一致' }, null, subject), seal };
  } catch (error) {
    return { key: failed('master-key', error, subject), seal: null };
  }
}
