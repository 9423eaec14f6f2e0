/**
 * Reads of one token: over HTTP beside a bare node:http handler and beside one database query per request, and from
 * the client's memory beside co-wechat-api's own cache.
 *
 * Our server runs as in production: SQLite, a stored key with a scope, an account, a kind and networks. Rounds are
 * interleaved, so that drift of the machine hits all alike; each figure is the median of the rounds.
 */

import { fileURLToPath } from 'node:url';
import { createClient } from '../packages/client/dist/index.js';
import { CONNECTIONS, generator, load } from './lib/load.mjs';
import { cpuUs, node, withCleanup } from './lib/process.mjs';
import { startRedis } from './lib/redis.mjs';
import { median, say, table } from './lib/report.mjs';
import { AUTO_SECRET, appId, startServer, startSimulator, temporaryFolder } from './lib/zhongkong.mjs';

const ROUNDS = 7;
const SECONDS = 1;
const ACCOUNT = appId(1);
const PATH = `/v1/accounts/${ACCOUNT}/token`;
const READY = /ready (\d+)/;

const peer = (name) => fileURLToPath(new URL(`./peers/${name}.mjs`, import.meta.url));

export const run = () =>
  withCleanup(async (atEnd) => {
    const folder = await temporaryFolder(atEnd);
    const simulator = await startSimulator(atEnd);
    const server = await startServer(atEnd, folder, simulator.url);
    await server.api('POST', '/v1/accounts', { id: ACCOUNT, platform: 'official-account', secret: AUTO_SECRET });
    const { key } = await server.api('POST', '/v1/keys', {
      name: 'bench',
      scopes: ['credential:read'],
      accounts: [ACCOUNT],
      kinds: ['access_token'],
      cidrs: ['127.0.0.0/8', '10.0.0.0/8'],
    });
    const bearer = { Authorization: `Bearer ${key}` };
    const body = await (await fetch(server.url + PATH, { headers: bearer })).text();

    const targets = [
      { name: 'bare node:http, constant body', ...(await peerServer('bare-server', [String(Buffer.byteLength(body)), key])) },
    ];
    targets.push({ name: 'zhongkong /v1/…/token', url: server.url + PATH, headers: bearer, pid: server.pid });
    const query = `grant_type=client_credential&appid=${ACCOUNT}&secret=${key}`;
    targets.push({ name: 'zhongkong drop-in /cgi-bin/token', url: `${server.url}/cgi-bin/token?${query}`, headers: {}, pid: server.pid });
    targets.push({ name: 'node:http + one SQLite query', ...(await peerServer('sqlite-server', [`${folder}/peer.db`, key, body])) });
    const redis = await startRedis(atEnd, folder);
    if (typeof redis !== 'string')
      targets.push({ name: 'node:http + one Redis GET', ...(await peerServer('redis-server', [String(redis.port), key, body])) });

    async function peerServer(name, args) {
      const started = await node(peer(name), args, { ready: READY });
      atEnd(() => started.stop());
      return { url: `http://127.0.0.1:${started.match[1]}${PATH}`, headers: bearer, pid: started.pid };
    }

    const rounds = await overHttp(targets);
    const http = summary(targets, rounds);
    say(`${CONNECTIONS} connections, ${ROUNDS} rounds of ${SECONDS} s each, load by ${await generator()}; one process, one core each`);
    table([
      ['over HTTP', 'reads/s', 'share of bare', 'CPU µs/read', 'per core', 'CPU share', 'p50 ms', 'p99 ms', 'p99 / bare'],
      ...http.map((one) => [
        one.name,
        Math.round(one.perSecond),
        one.share.toFixed(2),
        one.cpuUs?.toFixed(1) ?? '-',
        one.perCore === null ? '-' : Math.round(one.perCore),
        one.cpuShare?.toFixed(2) ?? '-',
        one.p50.toFixed(2),
        one.p99.toFixed(2),
        one.p99Share.toFixed(2),
      ]),
    ]);
    if (typeof redis === 'string') say(`skipped: node:http + one Redis GET (${redis})`);

    const memory = await inMemory(server.url, key);
    table([['from memory, in process', 'ns/read'], ...memory.map(({ name, ns }) => [name, ns.toFixed(0)])]);
    return { connections: CONNECTIONS, rounds: ROUNDS, secondsPerRound: SECONDS, http, memory };
  });

/** Interleaved rounds; one short one before, not counted, in which everything gets compiled. */
async function overHttp(targets) {
  for (const { url, headers } of targets) await load(url, headers, 1);
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const measured = [];
    for (const { url, headers, pid } of targets) {
      const before = cpuUs(pid);
      const result = await load(url, headers, SECONDS);
      measured.push({ ...result, cpuUs: before === null ? null : (cpuUs(pid) - before) / result.requests });
    }
    rounds.push(measured);
  }
  return rounds;
}

/** Shares are taken within a round and only then reduced to their median. */
function summary(targets, rounds) {
  return targets.map(({ name }, index) => {
    const over = (figure) => median(rounds.map((measured) => figure(measured[index], measured[0])));
    const hasCpu = rounds.every((measured) => measured[index].cpuUs !== null);
    const cpu = hasCpu ? over((one) => one.cpuUs) : null;
    return {
      name,
      perSecond: over((one) => one.perSecond),
      share: over((one, bare) => one.perSecond / bare.perSecond),
      cpuUs: cpu,
      perCore: cpu === null ? null : 1_000_000 / cpu,
      cpuShare: hasCpu ? over((one, bare) => bare.cpuUs / one.cpuUs) : null,
      p50: over((one) => one.p50),
      p99: over((one) => one.p99),
      p99Share: over((one, bare) => one.p99 / bare.p99),
    };
  });
}

const READS = 200_000;

async function inMemory(url, key) {
  const client = createClient({ url, key });
  const { default: WechatApi } = await import('co-wechat-api');
  const api = new WechatApi(ACCOUNT, AUTO_SECRET);
  // What it keeps after a fetch of its own: the value and when it ends.
  await api.saveToken({ accessToken: await client.token(ACCOUNT), expireTime: Date.now() + 7_200_000 });
  const readers = [
    { name: 'client.token()', read: () => client.token(ACCOUNT) },
    { name: 'co-wechat-api ensureAccessToken()', read: () => api.ensureAccessToken() },
  ];
  const rounds = readers.map(() => []);
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [index, { read }] of readers.entries()) {
      const startedAt = performance.now();
      for (let i = 0; i < READS; i += 1) await read();
      // The first round is for the compiler.
      if (round > 0) rounds[index].push(((performance.now() - startedAt) * 1_000_000) / READS);
    }
  }
  return readers.map(({ name }, index) => ({ name, ns: median(rounds[index]) }));
}
