/**
 * Two real servers on one PostgreSQL behind the proxies of `deploy/proxy`, run with the very files that are given to
 * operators: a server that is killed or drained is nobody's trouble, callers cannot forge their address, and no API key
 * comes into a proxy's log.
 */

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { folder, type RunOptions, serve, simulator } from '../e2e/cli/rig.ts';
import { selfSigned } from '../e2e/self-signed.ts';
import { SECRET } from '../helpers/product.ts';
import { until } from '../helpers/until.ts';
import { PostgresDatabase } from './postgres-database.ts';

const ID = 'wx0123456789abcdef';
const ADMIN = 'admin-key-0123456789-abcdefgh';
const CALLER = 'caller-key-0123456789-abcdefgh';
/** Good for one address only. */
const BOUND = 'bound-key-0123456789-abcdefgh';
const BOUND_TO = '127.0.0.2';
/** On both sides of a server's end, by each of the callers. */
const CALLS = 40;
const CALLERS = 6;

interface Proxy {
  readonly name: string;
  readonly file: string;
  /** What of the file is of its place, and what stands there in the test. */
  readonly place: (at: Place) => readonly (readonly [string, string])[];
  readonly argv: (file: string) => readonly string[];
}

interface Place {
  readonly port: number;
  readonly servers: readonly number[];
  readonly pem: string;
  readonly folder: string;
}

const servers = ({ servers: ports }: Place) => ports.map((port, index) => [`zhongkong-${index + 1}:8700`, `127.0.0.1:${port}`] as const);

const PROXIES: readonly Proxy[] = [
  {
    name: 'haproxy',
    file: 'haproxy.cfg',
    place: (at) => [['bind :8443', `bind 127.0.0.1:${at.port}`], ['/run/secrets/tls.pem', at.pem], ...servers(at)],
    argv: (file) => ['-db', '-f', file],
  },
  {
    name: 'nginx',
    file: 'nginx.conf',
    place: (at) => [
      ['listen 8443', `listen 127.0.0.1:${at.port}`],
      ['ssl_certificate /run/secrets/tls.pem', `ssl_certificate ${at.pem}`],
      ['ssl_certificate_key /run/secrets/tls.pem', `ssl_certificate_key ${at.pem}`],
      ['/tmp/zhongkong-nginx.pid', `${at.folder}/pid`],
      ['/tmp/zhongkong-nginx-body', `${at.folder}/body`],
      ['/tmp/zhongkong-nginx-proxy', `${at.folder}/proxy`],
      ...servers(at),
    ],
    argv: (file) => ['-g', 'daemon off;', '-c', file],
  },
];

interface Call {
  readonly path: string;
  readonly method?: string;
  readonly body?: string;
  /** The caller's address. */
  readonly from?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}

async function startProxy(proxy: Proxy, ports: readonly number[]) {
  const cwd = folder();
  const { cert, key } = selfSigned();
  const at: Place = { port: await freePort(), servers: ports, pem: join(cwd, 'tls.pem'), folder: cwd };
  writeFileSync(at.pem, `${cert}${key}`);
  let text = readFileSync(fileURLToPath(new URL(`../../../../deploy/proxy/${proxy.file}`, import.meta.url)), 'utf8');
  for (const [from, to] of proxy.place(at)) {
    if (!text.includes(from)) throw new Error(`${proxy.file} has no "${from}"`);
    text = text.replaceAll(from, to);
  }
  const file = join(cwd, proxy.file);
  writeFileSync(file, text);
  const logFile = join(cwd, 'log');
  const log = openSync(logFile, 'w');
  const child = spawn(proxy.name, proxy.argv(file), {
    stdio: ['ignore', log, log],
    env: { PATH: `${process.env.PATH}:/usr/sbin` },
  });
  closeSync(log);
  const ended = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  const agent = new Agent({ keepAlive: true, ca: cert });
  onTestFinished(() => agent.destroy());

  /** One call as a service makes it. Rejects when there was no answer. */
  const call = ({ path, method = 'GET', body = '', from = '127.0.0.1', headers = {} }: Call) =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      const options = { agent, method, headers, localAddress: from, host: '127.0.0.1', port: at.port, path };
      const sent = request(options, (response) => {
        let answer = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: answer }));
        response.on('error', reject);
      });
      sent.on('error', reject);
      sent.end(body);
    });
  return { call, log: () => readFileSync(logFile, 'utf8') };
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const wechatBody = JSON.stringify({ grant_type: 'client_credential', appid: ID, secret: CALLER });

/** The ways in which services read: by our API, by the drop-in with the key in the URL, and by a POST. */
const V1: Call = { path: `/v1/accounts/${ID}/token`, headers: bearer(CALLER) };
const READS: readonly Call[] = [
  V1,
  { path: `/cgi-bin/token?grant_type=client_credential&appid=${ID}&secret=${CALLER}` },
  { path: '/cgi-bin/stable_token', method: 'POST', body: wechatBody, headers: { 'content-type': 'application/json' } },
];

const tokenIn = (text: string): string => {
  const { value, access_token } = JSON.parse(text) as { value?: string; access_token?: string };
  return value ?? access_token ?? text;
};

async function cluster() {
  const database = await PostgresDatabase.create();
  onTestFinished(() => database.drop());
  const { simulator: wechat, url } = await simulator();
  wechat.control.putAccount(ID, { secret: SECRET });
  const declared = (name: string, key: string) => ({ name, key, scopes: ['credential:read'], accounts: ['*'] });
  const options: RunOptions = {
    cwd: folder(),
    env: {
      ZHONGKONG_STORE: database.url,
      ZHONGKONG_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
      ZHONGKONG_ADMIN_KEY: ADMIN,
      ZHONGKONG_UPSTREAM_WECHAT: url,
      ZHONGKONG_TRUSTED_PROXIES: '127.0.0.1',
      ZHONGKONG_ACCOUNTS: JSON.stringify([{ id: ID, platform: 'official-account', secret: SECRET }]),
      ZHONGKONG_KEYS: JSON.stringify([declared('caller', CALLER), { ...declared('bound', BOUND), cidrs: [BOUND_TO] }]),
    },
  };
  return { wechat, start: (port = 0) => serve(options, ['--listen', `127.0.0.1:${port}`]) };
}

const portOf = ({ url }: { readonly url: string }): number => Number(new URL(url).port);

describe.each(PROXIES)('$name', (proxy) => {
  test('a server that is killed, started again or drained: every call is answered, with the one token', async () => {
    const { wechat, start } = await cluster();
    const first = await start();
    const second = await start();
    const { call, log } = await startProxy(proxy, [portOf(first), portOf(second)]);
    const token = await until(
      async () => tokenIn((await call(V1)).text),
      (value) => !value.includes('{'),
    );

    const unhappy: string[] = [];
    let answered = 0;
    const calls = async (caller: number): Promise<void> => {
      for (let count = 0; count < CALLS; count += 1) {
        const read = READS[(caller + count) % READS.length] ?? V1;
        const answer = await call(read).catch((error: Error) => ({ status: 0, text: error.message }));
        answered += 1;
        if (answer.status !== 200 || tokenIn(answer.text) !== token) unhappy.push(`${answer.status} ${answer.text}`);
      }
    };
    /** Calls before, during and after `work`. */
    const during = async (work: () => Promise<unknown>): Promise<void> => {
      const callers = Array.from({ length: CALLERS }, (_, index) => calls(index));
      await work();
      await Promise.all([...callers, ...Array.from({ length: CALLERS }, (_, index) => calls(index))]);
    };

    await during(async () => {
      first.child.kill('SIGKILL');
      await first.ended;
    });
    const again = await start(portOf(first));
    // It takes part again, before the other one goes.
    await until(
      async () => (await call({ path: '/readyz' })).status,
      (status) => status === 200,
    );
    await during(() =>
      until(
        async () => (await fetch(`${again.url}/readyz`)).status,
        (status) => status === 200,
      ),
    );
    await during(async () => {
      second.child.kill('SIGTERM');
      expect((await second.ended).code).toBe(0);
    });

    expect(unhappy).toEqual([]);
    expect(answered).toBe(3 * 2 * CALLERS * CALLS);
    expect(wechat.control.account(ID).counters.issues['/cgi-bin/stable_token']).toMatchObject({ normal: 1 });
    // The calls are in its log, the keys that they carried are not.
    await until(
      async () => log(),
      (text) => text.includes('/cgi-bin/token'),
    );
    expect(log()).not.toContain('secret=');
    expect(log()).not.toContain(CALLER);
  });

  test('a caller is known by its own address, whatever it writes into X-Forwarded-For', async () => {
    const { start } = await cluster();
    const server = await start();
    const { call } = await startProxy(proxy, [portOf(server), portOf(server)]);
    await until(
      async () => (await call(V1)).status,
      (status) => status === 200,
    );
    expect((await call({ ...V1, headers: bearer(BOUND), from: BOUND_TO })).status).toBe(200);
    const forged = { ...bearer(BOUND), 'x-forwarded-for': BOUND_TO };
    expect((await call({ ...V1, headers: forged })).status).toBe(403);
    expect((await call({ ...V1, headers: forged, from: '127.0.0.3' })).status).toBe(403);
  });
});
