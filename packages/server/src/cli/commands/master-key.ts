/** `zhongkong master-key rotate`: another master key, while the servers go on. */

import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { nodeClock } from '../../adapters/clock.ts';
import { isEmbedded } from '../../config/formats.ts';
import type { Bilingual } from '../../core/failure.ts';
import { readStanding } from '../../core/standing.ts';
import type { RotationStep } from '../../hosts/master-key-rotation.ts';
import { remote } from '../connect.ts';
import { type Context, globalOptions, type StoreOptions, withJson, withStoreOptions } from '../context.ts';
import { CliFailure, startFailure } from '../failure.ts';
import { configOf } from '../global-options.ts';
import { WRONG_CONFIG } from '../io.ts';
import { requireStore } from '../local.ts';
import { json } from '../output.ts';

interface Options extends StoreOptions {
  readonly json?: boolean;
}

/** Between two lines of progress while it goes on, ms. */
const TELL_MS = 2000;

export function masterKeyCommand(program: Command, context: Context): void {
  const { say } = context;
  const masterKey = program
    .command('master-key')
    .description(say({ en: "the key that seals the store's secrets", zh: '管理用于加密存储中秘密的主密钥' }));
  const rotate = masterKey.command('rotate').description(
    say({
      en: 'seal everything with a new master key, while servers go on; run it again if it was cut off',
      zh: '在服务不中断的情况下更换主密钥并重新加密全部数据；中途中断可再次执行',
    }),
  );
  withJson(withStoreOptions(rotate, context), context)
    .addHelpText(
      'after',
      say({
        en: '\nWith a SQLite store and its key file the new key is made here. Else give every node both keys first, the new one\nin front: see docs/upgrading.md. Takes at least 40 s, until what running servers seal with the former key has landed. \nThe former key stays in a file beside the key file, for backups and other stores.',
        zh: '\n使用 SQLite 及其密钥文件时，新密钥由本命令生成；其他情况请先在所有节点上同时配置新旧两个密钥，新的在前，\n见 docs/upgrading.zh-CN.md。至少需要 40 秒，以便运行中的服务用旧密钥写入的数据全部落地。\n旧密钥保留在密钥文件旁边的另一个文件中，供此前的备份和其他存储使用。',
      }),
    )
    .action((options: Options) => runRotate(options, context));
}

async function runRotate(options: Options, context: Context): Promise<void> {
  const { io, say } = context;
  if (remote(io) !== null) throw onTheStoreOnly();
  const config = await configOf(globalOptions(options), io);
  requireStore(config);
  const [{ rotateMasterKey }, { openMasterKeys }, { refuseUnlessOurs }, { openStore }, { storePlace }] = await Promise.all([
    import('../../hosts/master-key-rotation.ts'),
    import('../../hosts/master-key.ts'),
    import('../../hosts/standing-watch.ts'),
    import('../../stores/open.ts'),
    import('../../stores/place.ts'),
  ]);
  const ownKeyFile = isEmbedded(config.store) ? config.masterKeyFile : null;
  const wrongConfig = (error: unknown): never => {
    throw startFailure(error);
  };
  const store = await openStore(config.store).catch(wrongConfig);
  try {
    const holder = `master-key-${process.pid}-${randomBytes(4).toString('hex')}`;
    const progress = teller(context);
    refuseUnlessOurs((await readStanding(store.directory).catch(wrongConfig)).standing, storePlace(config.store));
    const keys = await openMasterKeys(config, store.directory).catch(wrongConfig);
    const result = await rotateMasterKey({ keys, ownKeyFile, store, clock: nodeClock, holder, progress });
    if (options.json) return io.out(json(result));
    const { to, accounts, credentials, formerKeyFiles } = result;
    io.out(
      say({
        en: `everything is sealed with master key ${to}, nothing is left under another; accounts sealed anew: ${accounts}, credentials: ${credentials}\n`,
        zh: `全部数据已由主密钥 ${to} 加密：本次重新加密 ${accounts} 个账号、${credentials} 个凭据，没有遗留\n`,
      }),
    );
    io.err(say(ownKeyFile === null ? TAKE_AWAY : setAside(formerKeyFiles.join(', '))));
  } finally {
    await store.close();
  }
}

const setAside = (files: string): Bilingual => ({
  en: `the former key is now in ${files}. Backups made before, and other stores that had the same key file, open only with it: delete it once none of them is needed. Make a new backup now\n`,
  zh: `旧密钥已移到 ${files}。此前的备份，以及曾共用密钥文件的其他存储，只能用它解开；确认都不再需要后请删除它。请立即重新备份\n`,
});

const TAKE_AWAY = {
  en: 'now take the former key out of the configuration of every node. Backups made before open only with it: make a new one now\n',
  zh: '现在可以从所有节点的配置中移除旧密钥。此前的备份只能用旧密钥解开，请立即重新备份\n',
};

/** Tells each step, and how far it is every few seconds. */
function teller({ io, say }: Context): (step: RotationStep) => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  return (step) => {
    if (step.step === 'resealing' && (step.soFar.seen >= step.accounts || io.now() - toldAt < TELL_MS)) return;
    toldAt = io.now();
    io.err(say(lineOf(step)));
  };
}

function lineOf(step: RotationStep): Bilingual {
  if (step.step === 'switched')
    return {
      en: `master key ${step.to} seals from now on, ${step.from} is being replaced\n`,
      zh: `即刻起由主密钥 ${step.to} 加密，${step.from} 正在被替换\n`,
    };
  if (step.step === 'waiting')
    return {
      en: `nothing is left; looking once more in ${Math.ceil(step.ms / 1000)} s, when every server has noticed\n`,
      zh: `没有遗留；${Math.ceil(step.ms / 1000)} 秒后待所有服务得知更换，再做最后检查\n`,
    };
  const { pass, accounts, soFar } = step;
  return {
    en: `pass ${pass}: ${soFar.seen} of ${accounts} accounts; accounts sealed anew: ${soFar.accounts}, credentials: ${soFar.credentials}\n`,
    zh: `第 ${pass} 轮：${soFar.seen}/${accounts} 个账号；已重新加密 ${soFar.accounts} 个账号、${soFar.credentials} 个凭据\n`,
  };
}

const onTheStoreOnly = (): CliFailure =>
  new CliFailure(
    WRONG_CONFIG,
    {
      en: 'master-key rotate works on the store itself, not over ZHONGKONG_URL',
      zh: 'master-key rotate 只能直接操作存储，不能通过 ZHONGKONG_URL 执行',
    },
    'config_invalid',
    {
      en: "Unset ZHONGKONG_URL and ZHONGKONG_KEY, and run it on a machine that has the servers' configuration.",
      zh: '请取消设置 ZHONGKONG_URL 和 ZHONGKONG_KEY，在具有服务配置的机器上执行。',
    },
  );
