/**
 * What a run runs on: a store of its own, and three nodes, each with a way of its own to the store and to WeChat, so that a
 * fault can strike one of them alone.
 */

import { randomBytes } from 'node:crypto';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { Link } from './link.mjs';
import { Node } from './node.mjs';
import { LEASE_MS } from './schedule.mjs';
import { Service } from './services.mjs';
import { until } from './until.mjs';
import { startWire } from './wire.mjs';

const NODES = ['node-1', 'node-2', 'node-3'];
const START_MS = 30_000;

const DATABASE = {
  async postgres(url) {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query("create database zhongkong encoding 'UTF8' template template0");
    await client.end();
  },
  async mysql(url) {
    const client = await mysql.createConnection({ uri: url });
    await client.query('create database zhongkong character set utf8mb4');
    await client.end();
  },
  redis: async () => undefined,
};

/** `{ service, nodes, adminKey, url }`; `url` leads to the store past every link. `command`: the file of the CLI. `issues` gets the wires' rows. */
export async function startCluster({ store, simulator, issues, folder, command }, atEnd) {
  const service = await Service.start(store, folder);
  atEnd(() => service.remove());
  await until(() => DATABASE[store](service.url), START_MS);
  const adminKey = `faults-${randomBytes(16).toString('hex')}`;
  const url = new URL(service.url);
  if (store !== 'redis') url.pathname = '/zhongkong';
  const common = {
    ZHONGKONG_MASTER_KEY: randomBytes(32).toString('base64'),
    ZHONGKONG_ADMIN_KEY: adminKey,
    ZHONGKONG_REFRESH_LEASE_SECONDS: String(LEASE_MS / 1000),
    ZHONGKONG_REFRESH_UPSTREAM_TIMEOUT_SECONDS: '2',
  };
  const nodes = [];
  for (const name of NODES) {
    const link = await Link.start(service.port);
    atEnd(() => link.end());
    const wire = await startWire(name, simulator, issues);
    atEnd(() => wire.end());
    const through = new URL(url);
    through.port = String(link.port);
    const env = { ...common, ZHONGKONG_STORE: through.href, ZHONGKONG_UPSTREAM_WECHAT: wire.url };
    const node = await Node.start(name, { command, folder, env });
    atEnd(() => node.kill());
    node.link = link;
    nodes.push(node);
  }
  return { service, nodes, adminKey, url: url.href };
}
