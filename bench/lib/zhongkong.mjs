/** A real server and a simulator, each in a process of its own, as a benchmark needs them. */

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { node } from './process.mjs';

const packages = new URL('../../packages/', import.meta.url);
const file = (path) => fileURLToPath(new URL(path, packages));

/** The simulator with every AppID of the form wx + 16 hex digits. */
export async function startSimulator(atEnd) {
  const simulator = await node(file('simulator/dist/cli.js'), ['--port', '0', '--auto-accounts', '--json'], {
    ready: /"url":"(http:[^"]+)"|(http:\/\/127\.0\.0\.1:\d+)/,
  });
  atEnd(() => simulator.stop());
  return { ...simulator, url: simulator.match[1] ?? simulator.match[2] };
}

/** What `--auto-accounts` takes as the AppSecret of each. */
export const { AUTO_SECRET } = await import(new URL('simulator/dist/state/directory.js', packages).href);

export const appId = (n) => `wx${n.toString(16).padStart(16, '0')}`;

export async function temporaryFolder(atEnd) {
  const folder = await mkdtemp(join(tmpdir(), 'zhongkong-bench-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** `zhongkong serve` on a free port. `env` comes on top of what is set here: nodes of one store share its admin key. */
export async function startServer(atEnd, folder, upstream, env = {}) {
  const adminKey = env.ZHONGKONG_ADMIN_KEY ?? `bench-${randomBytes(16).toString('hex')}`;
  const server = await node(file('server/dist/cli/main.js'), ['serve'], {
    env: {
      ZHONGKONG_LISTEN: '127.0.0.1:0',
      ZHONGKONG_STORE: `sqlite:${join(folder, 'zhongkong.db')}`,
      ZHONGKONG_ADMIN_KEY: adminKey,
      ZHONGKONG_UPSTREAM_WECHAT: upstream,
      ...env,
    },
    ready: /serves (http:\/\/\S+)/,
  });
  atEnd(() => server.stop());
  const url = server.match[1];
  const api = async (method, path, body) => {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  };
  return { ...server, url, api, adminKey };
}

/** Parts of the server for a benchmark that runs without its HTTP. */
export const part = (path) => import(new URL(`server/dist/${path}`, packages).href);
