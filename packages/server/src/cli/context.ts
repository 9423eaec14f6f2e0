/** What a command's action gets: the world, the language, the options that all commands share. */

import type { Command } from 'commander';
import type { Bilingual } from '../core/failure.ts';
import type { GlobalOptions } from './global-options.ts';
import type { Io } from './io.ts';
import type { Language } from './language.ts';

export interface Context {
  readonly io: Io;
  readonly language: Language;
  readonly say: (text: Bilingual) => string;
  /** Set by an action that ends without an error but not well. */
  exitCode: number;
}

/** Options that reach the configuration, on commands that work on a store. */
export interface StoreOptions {
  readonly config?: string;
  readonly store?: string;
  readonly masterKeyFile?: string;
}

export function globalOptions({ config, store, masterKeyFile }: StoreOptions): GlobalOptions {
  const flags = { ...(store === undefined ? {} : { store }), ...(masterKeyFile === undefined ? {} : { masterKeyFile }) };
  return { flags, ...(config === undefined ? {} : { config }) };
}

/** `--config`, `--store` and `--master-key-file`: which store the command works on. */
export function withStoreOptions(command: Command, { say }: Context): Command {
  return command
    .option('--config <file>', say({ en: 'configuration file', zh: '配置文件' }))
    .option('--store <url>', say({ en: 'store, e.g. sqlite:data/zhongkong.db', zh: '存储，如 sqlite:data/zhongkong.db' }))
    .option('--master-key-file <file>', say({ en: "file with the store's master key", zh: '存储的主密钥文件' }));
}

export const withJson = (command: Command, { say }: Context): Command =>
  command.option('--json', say({ en: 'print JSON', zh: '以 JSON 输出' }));
