/** `zhongkong migrate`: the schema brought up to date, everything moved to another store, and the way back from that. */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { databaseFile } from '../../config/formats.ts';
import type { Config } from '../../config/schema.ts';
import type { Census } from '../../core/store.ts';
import { holdsPassword, STORE_FORMS, storeUrlFault } from '../../core/store-url.ts';
import { type Context, globalOptions, type StoreOptions, withJson, withStoreOptions } from '../context.ts';
import { wrongUsage } from '../failure.ts';
import { configOf } from '../global-options.ts';
import type { Io } from '../io.ts';
import { json, list } from '../output.ts';

interface Options extends StoreOptions {
  readonly to?: string | true;
  readonly undo?: boolean;
  readonly json?: boolean;
}

const VARIABLE = 'ZHONGKONG_MIGRATE_TO';

export function migrateCommand(program: Command, context: Context): void {
  const { io, say } = context;
  const migrate = program
    .command('migrate')
    .description(
      say({
        en: "bring the store's schema up to date, or move everything to another store",
        zh: '升级存储的表结构，或把全部数据迁移到另一存储',
      }),
    )
    .option(
      '--to [url]',
      say({
        en: `move everything to this empty store of any kind (without a URL: ${VARIABLE}, for one with a password)`,
        zh: `迁移到这个空存储，种类不限（URL 含密码时省略它，改用环境变量 ${VARIABLE}）`,
      }),
    )
    .option('--undo', say({ en: 'take a move back: this store issues again', zh: '撤销迁移，由本存储继续签发' }));
  withJson(withStoreOptions(migrate, context), context).action(async (options: Options) => {
    if (options.undo && options.to !== undefined) {
      throw wrongUsage({ en: 'give --to or --undo, not both', zh: '--to 与 --undo 不能同时使用' });
    }
    const config = await configOf(globalOptions(options), io);
    if (options.undo) return undo(config, options, context);
    if (options.to === undefined) return bringUpToDate(config, options, context);
    return moveTo(targetOf(options.to, config, io), config, options, context);
  });
}

async function bringUpToDate(config: Config, options: Options, { io, say }: Context): Promise<void> {
  const { withOwnStore } = await import('../own-store.ts');
  const { found, now } = await withOwnStore(config, async ({ schema }) => schema ?? { found: 0, now: 0 });
  if (options.json) return io.out(json({ from: found, to: now }));
  if (found === now) return io.out(say({ en: `schema ${now}: up to date\n`, zh: `表结构版本 ${now}，已是最新\n` }));
  io.out(say({ en: `schema ${found} → ${now}\n`, zh: `表结构版本 ${found} → ${now}\n` }));
}

/** Throws wrong usage; a URL with a password is never repeated. */
function targetOf(given: string | true, config: Config, { env, cwd }: Io): string {
  const url = given === true ? env[VARIABLE] : given;
  if (url === undefined || url === '') {
    throw wrongUsage({ en: `say where to: --to URL, or ${VARIABLE}`, zh: `请指明目标：--to URL，或环境变量 ${VARIABLE}` });
  }
  if (given !== true && holdsPassword(url)) {
    throw wrongUsage({
      en: `the URL holds a password, which must not stand in argv: set ${VARIABLE} and give --to alone`,
      zh: `URL 含有密码，不能写在命令行上：请设置 ${VARIABLE}，并只写 --to`,
    });
  }
  const fault = storeUrlFault(url);
  if (fault) throw wrongUsage({ en: `--to: ${fault.en}; use ${STORE_FORMS.en}`, zh: `--to：${fault.zh}，请使用 ${STORE_FORMS.zh}` });
  const database = databaseFile(url);
  const target = database === null ? url : `sqlite:${resolve(cwd, database)}`;
  if (/^memory:/i.test(target)) {
    throw wrongUsage({ en: '--to: a memory: store ends with this command', zh: '--to：内存存储会随本命令结束而消失' });
  }
  if (target === config.store) throw wrongUsage({ en: '--to names the configured store itself', zh: '--to 指向的就是当前配置的存储' });
  return target;
}

async function moveTo(url: string, config: Config, options: Options, context: Context): Promise<void> {
  const { io, say } = context;
  const [{ interruptible, newRun, openAt, sealOf, withOwnStore }, { moveStore }, { storePlace }] = await Promise.all([
    import('../own-store.ts'),
    import('../../hosts/moving/move.ts'),
    import('../../stores/place.ts'),
  ]);
  const startedAt = io.now();
  const place = storePlace(url);
  const done = { accounts: 0, keys: 0, credentials: 0, audit: 0 };
  let toldAt = startedAt;
  const wrote = (what: keyof Census, rows: number): void => {
    done[what] += rows;
    if (options.json || io.now() - toldAt < 2000) return;
    toldAt = io.now();
    io.err(`${what} ${done[what]}\n`);
  };
  const { census, suspendedMs } = await withOwnStore(config, async (store, from) => {
    // Of a store that was never used none is made, and the move refuses it.
    if ((await store.directory.setting('master_key')) !== null) await sealOf(config, store);
    const target = await openAt(url);
    try {
      const sides = { source: { store, place: from }, target: { store: target, place } };
      return await interruptible(io, wrote, (pace) => moveStore({ ...sides, run: newRun(), pace }));
    } finally {
      await target.close();
    }
  });
  const from = storePlace(config.store);
  const ms = Math.round(io.now() - startedAt);
  if (options.json) return io.out(json({ from, to: place, ...census, ms, suspended_ms: Math.round(suspendedMs) }));
  io.out(say({ en: `moved everything from ${from} to ${place}:\n`, zh: `已将 ${from} 的全部数据迁移到 ${place}：\n` }));
  io.out(list(Object.entries(census).map(([what, count]) => [what, String(count)])));
  const seconds = (suspendedMs / 1000).toFixed(1);
  io.out(say({ en: `nothing was issued for ${seconds} s\n`, zh: `其间暂停签发 ${seconds} 秒\n` }));
  const key = config.masterKey === null ? config.masterKeyFile : null;
  const same = key === null ? { en: 'the same masterKey', zh: '同一个 masterKey' } : { en: `the key in ${key}`, zh: `${key} 中的主密钥` };
  io.err(
    say({
      en: `Nothing is issued on the old store any more. Now start the server with the option store set to the new one and ${same.en}, send callers there, and stop the old server. To give it up instead: zhongkong migrate --undo\n`,
      zh: `原存储不再签发凭据。请用新的 store 配置和${same.zh}启动服务，把调用方切换过去，再停掉旧服务。如要放弃迁移：zhongkong migrate --undo\n`,
    }),
  );
}

async function undo(config: Config, options: Options, { io, say }: Context): Promise<void> {
  const [{ interruptible, newRun, sealOf, withOwnStore }, { undoMove }] = await Promise.all([
    import('../own-store.ts'),
    import('../../hosts/moving/undo.ts'),
  ]);
  const result = await withOwnStore(config, async (store, place) => {
    const seal = await sealOf(config, store);
    return interruptible(
      io,
      () => undefined,
      (pace) => undoMove({ store, place, seal, run: newRun(), pace }),
    );
  });
  if (options.json) return io.out(json(result));
  const { to } = result;
  io.out(say({ en: `this store issues again; let no server run on ${to}\n`, zh: `本存储恢复签发；请确保没有服务在使用 ${to}\n` }));
}
