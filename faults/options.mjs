/** `npm run faults -- --store … --seconds N --seed S --accounts N`, checked before anything is started. */

import { randomInt } from 'node:crypto';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export const STORES = ['postgres', 'mysql', 'redis'];

const MAIN = fileURLToPath(new URL('../packages/server/dist/cli/main.js', import.meta.url));

const HELP = `npm run faults -- [options]
real faults on three real servers, one store and the simulator · 在三台真实服务、一个存储和模拟器上制造真实故障

  --store NAME    ${STORES.join(', ')} or all (default) · 存储，默认全部
  --seconds N     how long faults strike, per store, 10 to 3600 (default 180) · 每种存储的故障时长，秒
  --seed S        draws the faults; the same seed draws the same (default: random, printed) · 随机种子
  --accounts N    half stable, half classic, 12 to 2000 (default 300) · 账号数，stable 与 classic 各半
  --server FILE   another build of the command, such as one broken on purpose · 另一个构建的命令行入口，例如有意改坏的版本
  --keep          keep the folder with the logs of all servers · 保留各进程日志所在的目录
`;

export class UsageError extends Error {}

/** The options, or null when help was all that was wanted (printed). Throws `UsageError`. */
export function readOptions(argv) {
  const { values } = parsed(argv.filter((word) => word !== '--'));
  if (values.help) {
    process.stdout.write(HELP);
    return null;
  }
  if (values.store !== 'all' && !STORES.includes(values.store)) {
    throw new UsageError(`--store: one of ${STORES.join(', ')}, all; not ${values.store} · --store 可取 ${STORES.join('、')}、all`);
  }
  return {
    stores: values.store === 'all' ? STORES : [values.store],
    seconds: whole('seconds', values.seconds, 10, 3600),
    seed: values.seed ?? String(randomInt(1, 1_000_000)),
    accounts: whole('accounts', values.accounts, 12, 2000),
    server: resolve(values.server),
    keep: values.keep,
  };
}

function parsed(args) {
  try {
    return parseArgs({
      args,
      options: {
        store: { type: 'string', default: 'all' },
        seconds: { type: 'string', default: '180' },
        seed: { type: 'string' },
        accounts: { type: 'string', default: '300' },
        server: { type: 'string', default: MAIN },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error.message);
  }
}

function whole(name, text, least, most) {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  throw new UsageError(`--${name}: a whole number from ${least} to ${most}, not ${text} · --${name} 须为 ${least} 至 ${most} 的整数`);
}
