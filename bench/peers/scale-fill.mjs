/**
 * Fills a database with accounts and their credentials, as many as asked for, as the product would have written them.
 *
 * One account goes through the product whole: added, issued by the upstream, stored. The others are its two rows with
 * another id, another token and other instants, sealed one by one by the product's own code, so that every row opens
 * and is as long as a real one. Every `1 / dueShare`-th was due a moment ago; the rest is fresh for hours.
 */

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { AUTO_SECRET, appId, part } from '../lib/zhongkong.mjs';

const [url, upstream, masterKey, countText, dueText] = process.argv.slice(2);
const [count, due] = [Number(countText), Number(dueText)];
const PER_INSERT = 1000;
/** Of a stable token's two hours: due with 295 s left, so it was issued so long ago. */
const LIFE_MS = 7_200_000;
const WINDOW_MS = 295_000;
const OVERDUE_MS = 60_000;

const { loadConfig } = await part('config/load.js');
const { openEngine } = await part('hosts/engine.js');
const { createSeal } = await part('adapters/seal.js');
const { KeyRing } = await part('adapters/key-ring.js');
const { nodeHash } = await part('adapters/hash.js');
const { decodeRecord, encodeRecord } = await part('core/codec.js');
const { secretContext } = await part('core/seal.js');

await byTheProduct();
const client = new pg.Client({ connectionString: url });
await client.connect();
await client.query('set synchronous_commit = off');
const seal = createSeal(new KeyRing([Buffer.from(masterKey, 'base64')]));
const first = appId(0);
const [account] = (await client.query('select * from accounts where id = $1', [first])).rows;
const [credential] = (await client.query('select * from credentials where account = $1', [first])).rows;
const record = decodeRecord({ account: first, kind: credential.kind, chain: credential.chain }, credential.body, seal);

const types = await columnTypes();
for (let n = 1; n < count; n += PER_INSERT) {
  const ids = Array.from({ length: Math.min(PER_INSERT, count - n) }, (_, i) => n + i);
  await insert('accounts', account, ids.map(accountOf));
  await insert('credentials', credential, ids.map(credentialOf));
}
await client.query('vacuum (analyze) accounts');
await client.query('vacuum (analyze) credentials');
await client.end();
process.stdout.write(`filled ${JSON.stringify({ bodyBytes: credential.body.length })}\n`);

async function byTheProduct() {
  const env = { ZHONGKONG_STORE: url, ZHONGKONG_UPSTREAM_WECHAT: upstream, ZHONGKONG_MASTER_KEY: masterKey };
  const more = { ZHONGKONG_ADMIN_KEY: `bench-${randomBytes(16).toString('hex')}`, ZHONGKONG_LOG_LEVEL: 'silent' };
  const engine = await openEngine(await loadConfig({ flags: {}, env: { ...env, ...more }, cwd: process.cwd(), platforms: {} }));
  const issued = new Promise((resolve) => {
    engine.events.on(({ type }) => type === 'credential.committed' && resolve());
  });
  const id = appId(0);
  await engine.accounts.create({ id, platform: 'official-account', appId: id, mode: 'stable', secrets: [AUTO_SECRET] }, 'bench');
  engine.start();
  await issued;
  await engine.stop();
}

function accountOf(n) {
  const id = appId(n);
  return { ...account, id, app_id: id, sealed_secrets: JSON.stringify([seal.seal(AUTO_SECRET, secretContext(id))]) };
}

function credentialOf(n) {
  const isDue = Math.floor((n * due) / count) !== Math.floor(((n - 1) * due) / count);
  const now = Date.now();
  const refreshAt = Math.floor(isDue ? now - Math.random() * OVERDUE_MS : now + LIFE_MS / 2 + (Math.random() * LIFE_MS) / 4);
  const value = randomBytes(Math.ceil(record.current.value.length * 0.75))
    .toString('base64url')
    .slice(0, record.current.value.length);
  const expiresAt = refreshAt + WINDOW_MS;
  const current = { value, fingerprint: nodeHash.fingerprint(value), issuedAt: expiresAt - LIFE_MS, expiresAt };
  const id = { ...record.id, account: appId(n) };
  return {
    ...credential,
    account: id.account,
    next_attempt_at: refreshAt,
    body: encodeRecord({ ...record, id, current, refreshAt }, seal),
  };
}

async function columnTypes() {
  const { rows } = await client.query(
    "select table_name, column_name, data_type from information_schema.columns where table_name in ('accounts', 'credentials')",
  );
  return new Map(rows.map((row) => [`${row.table_name}.${row.column_name}`, row.data_type]));
}

async function insert(name, template, rows) {
  const columns = Object.keys(template);
  const lists = columns.map((column, index) => `$${index + 1}::${types.get(`${name}.${column}`)}[]`);
  const text = `insert into ${name} (${columns.join(', ')}) select * from unnest(${lists.join(', ')})`;
  await client.query({ name, text, values: columns.map((column) => rows.map((row) => row[column])) });
}
