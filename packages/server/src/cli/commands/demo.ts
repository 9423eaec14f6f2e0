/**
 * `zhongkong demo`: the simulator and a server beside it, on a database in a temporary folder that is gone afterwards.
 *
 * Standard output has what the demo says and nothing else, so `--json` is exactly one line.
 */

import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { loadConfig } from '../../config/load.ts';
import { PLATFORM_MODES } from '../../platforms/index.ts';
import type { Context } from '../context.ts';
import { reasonOf } from '../doctor/finding.ts';
import { CliFailure, startFailure } from '../failure.ts';
import { FAILED, WRONG_CONFIG } from '../io.ts';
import { untilSignal } from '../until-signal.ts';

interface Options {
  readonly port: number;
  readonly simulatorPort: number;
  readonly json?: boolean;
}

const ACCOUNTS = [
  { id: 'wx0a1b2c3d4e5f6071', platform: 'official-account', mode: 'stable' },
  { id: 'wx7f6e5d4c3b2a1908', platform: 'mini-program', mode: 'classic' },
] as const;

function portNumber(value: string): number {
  if (!/^\d{1,5}$/.test(value) || Number(value) > 65_535) throw new InvalidArgumentError('use 0 to 65535; 0 takes any free port');
  return Number(value);
}

export function demoCommand(program: Command, context: Context): void {
  const { say } = context;
  program
    .command('demo')
    .description(say({ en: 'try it: a simulated WeChat and a server with two accounts', zh: '试用：模拟微信，外加一个带两个账号的服务' }))
    .option('--port <n>', say({ en: 'port of the server', zh: '服务端口' }), portNumber, 8700)
    .option('--simulator-port <n>', say({ en: 'port of the simulator', zh: '模拟器端口' }), portNumber, 8701)
    .option('--json', say({ en: 'print one JSON line when ready', zh: '就绪后输出一行 JSON' }))
    .action(async (options: Options) => {
      context.exitCode = await runDemo(options, context);
    });
}

async function runDemo(options: Options, context: Context): Promise<number> {
  const { io } = context;
  // Undone in reverse order, also when the start breaks off half-way.
  const undo: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  // Broken off before it is up, it leaves nothing behind either.
  const off = io.onSignals(() => {
    void undo[0]?.();
    io.exit(FAILED);
  });
  try {
    const demo = await start(options, undo).finally(off);
    const ended = untilSignal({ close, abandon: () => void undo[0]?.() }, context);
    io.out(options.json ? `${JSON.stringify(demo)}\n` : introduction(demo, context));
    return await ended;
  } catch (error) {
    await close();
    throw startFailure(error);
  }
}

async function start({ port, simulatorPort }: Options, undo: (() => Promise<void> | void)[]) {
  const [{ listenSimulator }, { openEngine }, { listen }] = await Promise.all([
    import('@zhongkong/simulator/node'),
    import('../../hosts/engine.ts'),
    import('../../hosts/node/listen.ts'),
  ]);
  const folder = await mkdtemp(join(tmpdir(), 'zhongkong-demo-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));

  const secrets = ACCOUNTS.map(() => randomBytes(16).toString('hex'));
  const known = Object.fromEntries(ACCOUNTS.map(({ id, platform }, index) => [id, { platform, secret: secrets[index] ?? '' }]));
  const simulator = await listenSimulator({ port: simulatorPort, accounts: known, seed: randomBytes(4).toString('hex') }).catch(
    (error: unknown) => {
      throw portFailure(simulatorPort, '--simulator-port', error);
    },
  );
  undo.push(() => simulator.close());

  const config = await loadConfig({
    flags: {
      listen: `127.0.0.1:${port}`,
      store: `sqlite:${join(folder, 'zhongkong.db')}`,
      'upstreams.wechat': simulator.url,
      'log.level': 'silent',
    },
    env: {},
    cwd: folder,
    platforms: PLATFORM_MODES,
  });
  const engine = await openEngine(config);
  const server = await listen(engine, config).catch(async (error: unknown) => {
    await engine.stop();
    throw reasonOf((error as Error).cause) === 'EADDRINUSE' ? portFailure(port, '--port', (error as Error).cause) : error;
  });
  undo.push(() => server.close());

  for (const [index, { id, platform, mode }] of ACCOUNTS.entries()) {
    await engine.accounts.create({ id, platform, mode, appId: id, secrets: [secrets[index] ?? ''] }, 'cli');
  }
  const admin = await engine.createFirstAdminKey();
  const reader = await engine.keys.create({ name: 'reader', scopes: ['credential:read'], accounts: ['*'] }, 'cli');
  engine.start();
  return {
    server: server.url,
    simulator: simulator.url,
    console: null,
    accounts: ACCOUNTS.map(({ id, platform, mode }) => ({ id, platform, mode })),
    keys: { admin, reader: reader.key, sealed: null },
  };
}

function portFailure(port: number, flag: string, error: unknown): CliFailure {
  const code = reasonOf(error);
  const text = { en: `port ${port} cannot be used (${code})`, zh: `端口 ${port} 无法使用（${code}）` };
  const advice = {
    en: `Stop what uses it, or choose another one: ${flag} N (0 takes any free one).`,
    zh: `请停止占用该端口的程序，或用 ${flag} N 另选端口（0 表示任选空闲端口）。`,
  };
  return new CliFailure(WRONG_CONFIG, text, 'config_invalid', advice);
}

type Demo = Awaited<ReturnType<typeof start>>;

function introduction({ server, simulator, accounts, keys }: Demo, { say }: Context): string {
  const [stable, classic] = accounts;
  return say({
    en: `Zhongkong runs at ${server}, WeChat's part is played by ${simulator}. Ctrl-C ends both and leaves nothing behind.

Read the token of an official account (stable mode):
  curl -H "Authorization: Bearer ${keys.reader}" ${server}/v1/accounts/${stable?.id}/token

The same as an SDK does it, the key in the place of the AppSecret (mini program, classic mode):
  curl "${server}/cgi-bin/token?grant_type=client_credential&appid=${classic?.id}&secret=${keys.reader}"

How all credentials are, with the admin key:
  curl -H "Authorization: Bearer ${keys.admin}" ${server}/v1/status

What "WeChat" counted, e.g. one issue however often you read:
  curl ${simulator}/_sim/accounts/${classic?.id}
`,
    zh: `Zhongkong 已运行在 ${server}，微信由模拟器 ${simulator} 扮演。按 Ctrl-C 结束，不留任何文件。

读取公众号的 token（稳定版）：
  curl -H "Authorization: Bearer ${keys.reader}" ${server}/v1/accounts/${stable?.id}/token

像 SDK 那样调用，把 key 填在 AppSecret 的位置（小程序，普通版）：
  curl "${server}/cgi-bin/token?grant_type=client_credential&appid=${classic?.id}&secret=${keys.reader}"

用管理员 key 查看全部凭据的状态：
  curl -H "Authorization: Bearer ${keys.admin}" ${server}/v1/status

看“微信”的计数：无论读取多少次，只签发一次：
  curl ${simulator}/_sim/accounts/${classic?.id}
`,
  });
}
