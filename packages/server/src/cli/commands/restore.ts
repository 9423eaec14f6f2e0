/**
 * `zhongkong restore`: a backup put in the place of the embedded store, a store marked as a restored copy, and the word
 * that such a copy replaces the original.
 */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../../config/schema.ts';
import { type Context, globalOptions, type StoreOptions, withJson, withStoreOptions } from '../context.ts';
import { wrongUsage } from '../failure.ts';
import { configOf } from '../global-options.ts';
import { json } from '../output.ts';
import { embeddedFile } from './backup.ts';

interface Options extends StoreOptions {
  readonly force?: boolean;
  readonly mark?: boolean;
  readonly activate?: boolean;
  readonly json?: boolean;
}

export function restoreCommand(program: Command, context: Context): void {
  const { io, say } = context;
  const command = program
    .command('restore [file]')
    .description(
      say({
        en: 'put a backup in the place of the embedded store; it issues nothing until activated',
        zh: '用备份恢复内嵌存储；激活之前不会签发任何凭据',
      }),
    )
    .option('--force', say({ en: 'replace a database that is there; it is kept aside', zh: '替换已有数据库（原文件会另存）' }))
    .option(
      '--mark',
      say({ en: 'mark the configured store, of any kind, as a restored copy', zh: '把当前配置的存储（种类不限）标记为恢复副本' }),
    )
    .option('--activate', say({ en: 'the restored copy replaces the original: issue from it', zh: '确认恢复副本取代原存储，开始签发' }));
  withJson(withStoreOptions(command, context), context).action(async (file: string | undefined, options: Options) => {
    const wanted = [file !== undefined, options.mark, options.activate].filter(Boolean).length;
    if (wanted !== 1) {
      throw wrongUsage({ en: 'give a FILE, --mark or --activate, one of them', zh: '请在 FILE、--mark、--activate 中恰好选择一个' });
    }
    const config = await configOf(globalOptions(options), io);
    if (file !== undefined) return restoreFile(file, config, options, context);
    if (options.mark) return mark(config, options, context);
    return activateStore(config, options, context);
  });
}

const DORMANT = {
  en: `It is a copy of a past: reads are answered from it, marked as suspect, and nothing is issued, so that it cannot make the original's tokens invalid.
If it replaces the original for good, and no server uses the original any more, run on this machine: zhongkong restore --activate
`,
  zh: `它是过去某一时刻的副本：可以读取（状态为 suspect），但不会签发任何凭据，因此不会使原存储的 token 失效。
如果它将永久取代原存储，且已没有服务在使用原存储，请在本机执行：zhongkong restore --activate
`,
};

async function restoreFile(given: string, config: Config, options: Options, { io, say }: Context): Promise<void> {
  const database = embeddedFile(config.store);
  const [{ interruptible, newRun }, { restore }] = await Promise.all([import('../own-store.ts'), import('../../hosts/moving/file.ts')]);
  const from = resolve(io.cwd, given);
  if (from === database) throw wrongUsage({ en: 'FILE is the database itself', zh: 'FILE 就是数据库本身' });
  const stamp = new Date().toISOString().replace(/[-:]|\..*$/g, '');
  const { content, marked, aside } = await interruptible(
    io,
    () => undefined,
    (pace) =>
      restore({
        ...{ from, database, force: options.force === true, keys: config, run: newRun(), pace },
        aside: `${database}.before-restore-${stamp}`,
      }),
  );
  const { accounts, keys } = content;
  if (options.json) return io.out(json({ from, store: database, accounts, keys, ...marked, aside }));
  const { credentials, unreadable } = marked;
  io.out(
    say({
      en: `restored ${from} to ${database}: ${accounts} accounts, ${keys} keys, ${credentials} credentials\n`,
      zh: `已将 ${from} 恢复到 ${database}：账号 ${accounts}，key ${keys}，凭据 ${credentials}\n`,
    }),
  );
  if (aside !== null) io.out(say({ en: `the database that was there is ${aside}\n`, zh: `原来的数据库保存在 ${aside}\n` }));
  if (unreadable > 0) io.err(say(UNREADABLE(unreadable)));
  io.err(say(DORMANT));
}

const UNREADABLE = (count: number) => ({
  en: `warning: ${count} credentials do not open with the master key\n`,
  zh: `警告：有 ${count} 个凭据无法用主密钥解开\n`,
});

async function mark(config: Config, options: Options, { io, say }: Context): Promise<void> {
  const [{ interruptible, newRun, sealOf, withOwnStore }, { markRestored }] = await Promise.all([
    import('../own-store.ts'),
    import('../../hosts/moving/mark.ts'),
  ]);
  const marked = await withOwnStore(config, async (store, place) => {
    const seal = await sealOf(config, store);
    return interruptible(
      io,
      () => undefined,
      (pace) => markRestored({ store, place, seal, run: newRun(), pace }),
    );
  });
  if (options.json) return io.out(json({ state: 'dormant', ...marked }));
  const { credentials, unreadable } = marked;
  io.out(say({ en: `marked as a restored copy: ${credentials} credentials\n`, zh: `已标记为恢复副本：凭据 ${credentials}\n` }));
  if (unreadable > 0) io.err(say(UNREADABLE(unreadable)));
  io.err(say(DORMANT));
}

async function activateStore(config: Config, options: Options, { io, say }: Context): Promise<void> {
  const [{ withOwnStore }, { activate }] = await Promise.all([import('../own-store.ts'), import('../../hosts/moving/mark.ts')]);
  const changed = await withOwnStore(config, activate);
  if (options.json) return io.out(json({ state: 'active', changed }));
  const text = changed
    ? {
        en: 'activated: credentials are issued from this store; a running server does within 5 s\n',
        zh: '已激活：由本存储签发凭据，运行中的服务 5 秒内生效\n',
      }
    : { en: 'it was active already\n', zh: '本来就是激活状态\n' };
  io.out(say(text));
}
