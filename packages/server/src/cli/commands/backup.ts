/** `zhongkong backup FILE`: everything in the embedded store but the master key, while the server runs. */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { databaseFile } from '../../config/formats.ts';
import { type Context, globalOptions, type StoreOptions, withJson, withStoreOptions } from '../context.ts';
import { CliFailure } from '../failure.ts';
import { configOf } from '../global-options.ts';
import { WRONG_CONFIG } from '../io.ts';
import { json, list } from '../output.ts';

interface Options extends StoreOptions {
  readonly force?: boolean;
  readonly json?: boolean;
}

/** The path of the embedded store; only that is a file of ours. Throws wrong configuration, with what to use instead. */
export function embeddedFile(store: string): string {
  const database = databaseFile(store);
  if (database !== null) return database;
  const scheme = store.slice(0, store.indexOf(':'));
  throw new CliFailure(
    WRONG_CONFIG,
    { en: `a ${scheme}: store is no file of ours to copy`, zh: `本命令只能复制内嵌存储的文件，不适用于 ${scheme} 存储` },
    'config_invalid',
    {
      en: 'Use what belongs to it (pg_dump, mariadb-dump, a snapshot of Redis). After restoring such a copy run "zhongkong restore --mark" on it before any server starts.',
      zh: '请使用数据库自带的工具（pg_dump、mariadb-dump 或 Redis 快照）；恢复这样的副本之后，先对它执行 “zhongkong restore --mark”，再启动服务。',
    },
  );
}

export function backupCommand(program: Command, context: Context): void {
  const { io, say } = context;
  const backup = program
    .command('backup <file>')
    .description(say({ en: 'copy the embedded store to a file, while the server runs', zh: '把内嵌存储备份到文件，服务无需停止' }))
    .option('--force', say({ en: 'replace a file that is there', zh: '覆盖已有文件' }));
  withJson(withStoreOptions(backup, context), context).action(async (given: string, options: Options) => {
    const config = await configOf(globalOptions(options), io);
    const database = embeddedFile(config.store);
    const [{ requireStore }, { backUp }] = await Promise.all([import('../local.ts'), import('../../hosts/moving/file.ts')]);
    requireStore(config);
    const file = resolve(io.cwd, given);
    const startedAt = io.now();
    const { bytes, schema, accounts, keys, credentials, audit } = await backUp(database, file, options.force === true);
    const content = { bytes, schema, accounts, keys, credentials, audit };
    const key = config.masterKey === null ? config.masterKeyFile : null;
    if (options.json) return io.out(json({ file, ...content, ms: Math.round(io.now() - startedAt), master_key_file: key }));
    io.out(say({ en: `backed up to ${file}, and read it back:\n`, zh: `已备份到 ${file}，并完成校验：\n` }));
    io.out(list(Object.entries(content).map(([what, count]) => [what, String(count)])));
    const where = key === null ? { en: '', zh: '' } : { en: ` (${key})`, zh: `（${key}）` };
    io.err(
      say({
        en: `The master key is not in it, and nothing opens it without: keep the key${where.en} too, in another place than the backup.\n`,
        zh: `备份中不含主密钥，没有主密钥就无法解开：请另外保存主密钥${where.zh}，不要与备份放在一处。\n`,
      }),
    );
  });
}
