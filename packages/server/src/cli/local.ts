/**
 * The commands' way to the store of this machine: an engine of their own, without listening and without loops, as one
 * more node beside a running server. Leases keep the two apart; the server sees what changed within 5 s.
 *
 * The engine gets one more declared key for the length of the command: it is never stored and dies with the process.
 */

import { existsSync } from 'node:fs';
import { databaseFile } from '../config/formats.ts';
import type { Config } from '../config/schema.ts';
import { openEngine } from '../hosts/engine.ts';
import type { Transport } from './api.ts';
import { CliFailure, startFailure } from './failure.ts';
import { WRONG_CONFIG } from './io.ts';
import { operatorKey } from './operator-key.ts';

/** Throws when there is no store to open: a command never makes one by accident. */
export function requireStore({ store }: Config): void {
  const database = databaseFile(store);
  if (database !== null && !existsSync(database)) {
    throw new CliFailure(WRONG_CONFIG, { en: `there is no database at ${database}`, zh: `${database} 处没有数据库` }, 'config_invalid', {
      en: 'Start the server once with "zhongkong serve", run this in its folder, or name its configuration with --config or --store.',
      zh: '请先用 “zhongkong serve” 启动一次服务，或在它的目录下执行本命令，或用 --config、--store 指明它的配置。',
    });
  }
  if (store === 'memory:') {
    const text = { en: `the store ${store} lives inside the server's process`, zh: `存储 ${store} 只存在于服务进程内` };
    throw new CliFailure(WRONG_CONFIG, text, 'config_invalid', {
      en: 'Set ZHONGKONG_URL and ZHONGKONG_KEY to work on the running server.',
      zh: '请设置 ZHONGKONG_URL 和 ZHONGKONG_KEY，对运行中的服务进行操作。',
    });
  }
}

export async function openLocal(config: Config): Promise<Transport> {
  requireStore(config);
  const operator = operatorKey();
  // Its log would stand between the results; what went wrong comes as an answer.
  const engine = await openEngine({ ...config, keys: [...config.keys, operator], log: { level: 'silent' } }).catch((error: unknown) => {
    throw startFailure(error);
  });
  return {
    base: 'http://localhost',
    key: operator.key,
    fetch: (request) => engine.app.fetch(request, { ip: '127.0.0.1' }),
    close: () => engine.stop(),
  };
}
