/**
 * Our refresher at full speed: so many accounts, all of them without a credential, until each has one in SQLite.
 * Leases, intents, sealing, fenced commits and the due queue included.
 */

import { AUTO_SECRET, appId, part } from '../lib/zhongkong.mjs';

const [database, upstream, mode, count] = process.argv.slice(2);
const { loadConfig } = await part('config/load.js');
const { openEngine } = await part('hosts/engine.js');

const env = { ZHONGKONG_STORE: `sqlite:${database}`, ZHONGKONG_UPSTREAM_WECHAT: upstream, ZHONGKONG_LOG_LEVEL: 'silent' };
const engine = await openEngine(await loadConfig({ flags: {}, env, cwd: process.cwd(), platforms: {} }));

const PER_ROUND = 500;
for (let n = 0; n < Number(count); n += PER_ROUND) {
  const round = Array.from({ length: Math.min(PER_ROUND, Number(count) - n) }, (_, i) => appId(n + i));
  await Promise.all(
    round.map((id) => engine.accounts.create({ id, platform: 'official-account', appId: id, mode, secrets: [AUTO_SECRET] }, 'bench')),
  );
}

let issued = 0;
let failed = 0;
const cpu = process.cpuUsage();
const startedAt = performance.now();
engine.events.on(({ type }) => {
  if (type === 'refresh.failed') failed += 1;
  if (type !== 'credential.committed') return;
  issued += 1;
  if (issued < Number(count)) return;
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  process.stdout.write(`result ${JSON.stringify({ issued, failed, seconds, cpuUs: (user + system) / issued })}\n`);
});
engine.start();
process.once('SIGTERM', () => void engine.stop());
