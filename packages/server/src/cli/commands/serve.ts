/**
 * `zhongkong serve`: the server itself.
 *
 * Standard output is the log's (JSON lines); what people read goes there only when it is a terminal. The address is
 * taken before anything is written, so that a second server started by mistake changes nothing.
 */

import { rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { databaseFile } from '../../config/formats.ts';
import { OPTIONS } from '../../config/options.ts';
import type { Config } from '../../config/schema.ts';
import type { Context } from '../context.ts';
import { CliFailure, startFailure } from '../failure.ts';
import { configOf } from '../global-options.ts';
import { type Io, WRONG_CONFIG } from '../io.ts';
import { untilSignal } from '../until-signal.ts';
import { VERSION } from '../../hosts/version.ts';

/** Commander's name of an option that `--docs-public` or the like made. */
const attribute = (flag: string): string => flag.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

const FLAGS = OPTIONS.flatMap(({ flag, name, doc }) => (flag === null ? [] : [{ flag, name, doc, attribute: attribute(flag) }]));

export function serveCommand(program: Command, context: Context): void {
  const { io, say } = context;
  const serve = program
    .command('serve')
    .description(say({ en: 'run the server', zh: '启动服务' }))
    .option(
      '--config <file>',
      say({
        en: 'configuration file (default: zhongkong.yaml or zhongkong.json here)',
        zh: '配置文件（默认当前目录的 zhongkong.yaml 或 zhongkong.json）',
      }),
    );
  for (const { flag, doc } of FLAGS) serve.option(`${flag} <value>`, say(doc).replaceAll('`', ''));
  serve.action(async (options: Readonly<Record<string, string>>) => {
    const flags = Object.fromEntries(
      FLAGS.flatMap(({ name, attribute: key }) => (options[key] === undefined ? [] : [[name, options[key]]])),
    );
    const config = await configOf({ flags, ...(options.config === undefined ? {} : { config: options.config }) }, io, true);
    context.exitCode = await serveUntilSignal(config, context);
  });
}

/** SIGHUP reads the certificates again. */
async function serveUntilSignal(config: Config, context: Context): Promise<number> {
  const { io, say } = context;
  const { server, isEmpty } = await start(config, io, say);
  // Before it is said to be up: who waits for that line may end it at once.
  const ended = untilSignal({ close: () => server.close(), reload: () => server.reloadTls() }, context);
  const tell = io.outIsTerminal ? io.out : io.err;
  const url = config.publicUrl ?? server.url;
  const add = 'zhongkong account add APPID --platform official-account';
  const next = isEmpty ? { en: ` · add an account: ${add}`, zh: ` · 添加账号：${add}` } : { en: '', zh: '' };
  tell(say({ en: `Zhongkong ${VERSION} serves ${url}${next.en}\n`, zh: `Zhongkong ${VERSION} 已在 ${url} 提供服务${next.zh}\n` }));
  return ended;
}

async function start(config: Config, io: Io, say: Context['say']) {
  const [{ openEngine }, { listen }] = await Promise.all([import('../../hosts/engine.ts'), import('../../hosts/node/listen.ts')]);
  const adminKeyFile = adminKeyFileOf(config);
  try {
    const engine = await openEngine(config);
    const server = await listen(engine, config).catch(async (error: unknown) => {
      await engine.stop();
      throw error;
    });
    try {
      await engine.applyConfig();
      const key = await engine.createFirstAdminKey();
      if (key !== null) await handOver(key, adminKeyFile, io, say);
      const isEmpty = (await engine.store.directory.countAccounts()) === 0;
      engine.start();
      return { server, isEmpty };
    } catch (error) {
      await server.close();
      throw error;
    }
  } catch (error) {
    throw startFailure(error);
  }
}

/** Beside the database; null for a store without a folder. */
function adminKeyFileOf({ store }: Config): string | null {
  const database = databaseFile(store);
  return database === null ? null : join(dirname(database), 'admin-key');
}

/** The one time that the first admin key is shown: to a person, never into a log. */
async function handOver(key: string, file: string | null, io: Io, say: Context['say']): Promise<void> {
  if (io.outIsTerminal) {
    io.out(say({ en: `Admin API key, shown this once: ${key}\n`, zh: `管理员 API key（只显示这一次）：${key}\n` }));
    return;
  }
  if (file === null) {
    const text = { en: 'adminKey is required with this store when nobody sits at a terminal', zh: '此存储在没有终端时必须设置 adminKey' };
    throw new CliFailure(WRONG_CONFIG, text, 'config_invalid', { en: 'Set ZHONGKONG_ADMIN_KEY.', zh: '请设置 ZHONGKONG_ADMIN_KEY。' });
  }
  // A key of a former database may lie there: this one replaces it, mode included.
  await rm(file, { force: true });
  await writeFile(file, `${key}\n`, { mode: 0o600, flag: 'wx' });
  io.err(say({ en: `wrote the admin API key to ${file} (mode 0600)\n`, zh: `管理员 API key 已写入 ${file}（权限 0600）\n` }));
}
