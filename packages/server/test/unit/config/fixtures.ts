/** A folder of its own for each test that reads files, and `loadConfig` in it with nothing else around. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../../src/config/load.ts';
import type { Config } from '../../../src/config/schema.ts';
import { ZhongkongError } from '../../../src/core/errors.ts';

export const PLATFORMS = {
  'official-account': ['stable', 'classic'],
  'mini-program': ['stable', 'classic'],
  'mini-game': ['stable', 'classic'],
};

export interface Given {
  readonly flags?: Record<string, string>;
  readonly env?: Record<string, string>;
  readonly file?: string;
  readonly cwd?: string;
}

export const load = ({ flags = {}, env = {}, file, cwd = '/nowhere' }: Given = {}): Promise<Config> =>
  loadConfig({ flags, env, cwd, file, platforms: PLATFORMS });

/** The lines of the mistakes; fails when there are none. */
export async function mistakes(given: Given): Promise<string[]> {
  const outcome = await load(given).catch((error: unknown) => error);
  if (outcome instanceof ZhongkongError && outcome.code === 'config_invalid') return outcome.message.split('\n');
  throw new Error('the configuration was taken', { cause: outcome });
}

export async function withFolder<T>(files: Readonly<Record<string, string>>, work: (cwd: string) => Promise<T>): Promise<T> {
  const cwd = await mkdtemp(join(tmpdir(), 'zk-config-'));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(cwd, name), text);
    return await work(cwd);
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}
