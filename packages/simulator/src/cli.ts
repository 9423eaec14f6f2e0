#!/usr/bin/env node
/** `wechat-simulator`: the simulator as a program. Ends cleanly on Ctrl-C; exit code 2 on wrong usage. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { listenSimulator } from './node.ts';
import { AUTO_SECRET } from './state/directory.ts';

const HELP = `wechat-simulator: a local program that behaves like api.weixin.qq.com

Usage: wechat-simulator [options]

  --port N          port to listen on (default 8701; 0 takes any free one)
  --host ADDRESS    address to listen on (default 127.0.0.1)
  --seed N          makes tokens, rids and chances repeatable (default: a random one, printed)
  --auto-accounts   every AppID of the form wx + 16 hex digits exists,
                    with the AppSecret ${AUTO_SECRET}
  --json            print one JSON line when ready
  --help            this text

Control:
  curl -X PUT  URL/_sim/accounts/wx0123456789abcdef -d '{"secret":"..."}'
  curl -X POST URL/_sim/clock -d '{"advance_ms":7200000}'
  curl -X PUT  URL/_sim/faults -d '[{"fault":"drop","when":"after","path":"/cgi-bin/token","count":1}]'
  curl         URL/_sim/            lists all control paths
`;

function usage(message: string): never {
  process.stderr.write(`wechat-simulator: ${message}\nTry --help.\n`);
  process.exit(2);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        port: { type: 'string', default: '8701' },
        host: { type: 'string', default: '127.0.0.1' },
        seed: { type: 'string' },
        'auto-accounts': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return usage((error as Error).message);
  }
}

const values = readArguments();
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : Number.NaN;
if (!(port <= 65_535)) usage(`--port: expected 0 to 65535, got ${values.port}`);
const seed = values.seed ?? String(randomInt(1, 2 ** 31));

try {
  const listening = await listenSimulator({ port, host: values.host, seed, autoAccounts: values['auto-accounts'] });
  // Before the ready line: whoever reads it may end us at once. A second Ctrl-C ends without waiting.
  const stop = () => void listening.close().then(() => process.exit(0));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ url: listening.url, seed })}\n`
      : `WeChat simulator on ${listening.url} (seed ${seed}); control: ${listening.url}/_sim/\n`,
  );
} catch (error) {
  process.stderr.write(`wechat-simulator: ${(error as Error).message}\n`);
  process.exit(1);
}
