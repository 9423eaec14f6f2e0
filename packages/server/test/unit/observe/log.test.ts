// The log: one JSON line per event, with advice for failures, and nothing secret in any of them.
import { describe, expect, it } from 'vitest';
import { type CoreEvent, EventBus } from '../../../src/core/events.ts';
import { createLogger, type LogOptions, logEvents } from '../../../src/observe/log.ts';
import { scrub } from '../../../src/observe/redact.ts';

const APP_SECRET = '0123456789abcdef0123456789abcdef';
const KEY = `zk_${'Ab3'.repeat(13)}x`;
const TOKEN = `98_${'tOkEn-_9'.repeat(17)}`;
const MASTER = Buffer.alloc(32, 7).toString('base64');
const SECRETS = [APP_SECRET, KEY, TOKEN, MASTER, 'hunter2'];

const id = { account: 'wxshop', kind: 'access_token', chain: 'stable' };

function capture(level: LogOptions['level'] = 'trace') {
  const text: string[] = [];
  const logger = createLogger({ level, destination: { write: (line: string) => void text.push(line) } });
  return { logger, text, lines: () => text.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('redaction', () => {
  it.each([
    [
      'a field that holds a secret',
      { secret: APP_SECRET, appSecret: APP_SECRET, key: KEY, access_token: TOKEN, authorization: `Bearer ${KEY}` },
    ],
    ['a nested field', { account: { secrets: [APP_SECRET], config: { masterKey: MASTER, password: 'hunter2' } } }],
    [
      'a URL in a text',
      { note: `GET https://api.weixin.qq.com/cgi-bin/token?appid=wx1&secret=${APP_SECRET}&grant_type=client_credential` },
    ],
    ['an encoded URL', { note: `redirect=https%3A%2F%2Fx%2F%3Faccess_token%3D${TOKEN}` }],
    ['a JSON body in a text', { note: JSON.stringify({ access_token: TOKEN, appid: 'wx1', secret: APP_SECRET }) }],
    ['a connection string', { note: 'postgres://zk:hunter2@db.internal:5432/zk' }],
    ['bare values', { note: `${APP_SECRET} ${KEY} ${TOKEN} ${MASTER}` }],
    ['an error and its cause', { err: new Error(`bad key ${KEY}`, { cause: new Error(`at ?secret=${APP_SECRET}`) }) }],
  ])('cuts out %s', (_what, fields) => {
    const { logger, text, lines } = capture();
    logger.info(fields, `message with ${APP_SECRET} and ${KEY}`);
    for (const secret of SECRETS) expect(text.join('')).not.toContain(secret);
    expect(lines()).toHaveLength(1);
  });

  it('censors by field name what no pattern could know', () => {
    const { logger, lines } = capture();
    logger.info({ value: 'short', credential: { value: 'short' }, input: { account: { ticket: 'short' } }, state: 'fresh' }, 'x');
    expect(lines()[0]).toMatchObject({
      value: '[redacted]',
      credential: { value: '[redacted]' },
      input: { account: { ticket: '[redacted]' } },
      state: 'fresh',
    });
  });

  it('leaves what people need', () => {
    const kept =
      'account corp-1:1000002 request 0f8fad5b-d9cb-469f-a165-70867728950e fingerprint 1a2b3c4d errcode 40164 rid 65f0-1a2b-3c4d ip 203.0.113.9';
    expect(scrub(kept)).toBe(kept);
  });
});

describe('events', () => {
  const failure = {
    class: 'network-acl',
    errcode: 40164,
    message: 'invalid ip 203.0.113.9, not in whitelist',
    rid: '65f0-1a2b',
    egressIp: '203.0.113.9',
    advice: { en: 'add the address to the whitelist', zh: '请加入 IP 白名单' },
    at: 1,
    attempts: 1,
    retryAt: 60_001,
  } as const;

  const every: readonly CoreEvent[] = [
    { type: 'credential.committed', id, generation: 2, fingerprint: '1a2b3c4d', reason: 'scheduled', expiresAt: 7_200_000, upstreamMs: 30 },
    { type: 'credential.state', id, from: 'missing', to: 'fresh' },
    { type: 'credential.probed', id, verdict: 'dead' },
    { type: 'credential.lost', id },
    { type: 'credential.reported', id, outcome: 'refreshed' },
    { type: 'refresh.failed', id, failure },
    { type: 'refresh.outcome_unknown', id, count: 1 },
    { type: 'refresh.recovered', id, after: 'transient' },
    { type: 'refresh.foreign', id, fingerprint: '1a2b3c4d' },
    { type: 'refresh.budget_exhausted', id, reason: 'ordered' },
    { type: 'lease.taken_over', id, fence: 3 },
    { type: 'lease.lost', id, fence: 3 },
    { type: 'commit.stale', id, fence: 3 },
    { type: 'leak.step', id, confirmed: 1, needed: 2 },
    { type: 'account.changed', account: { id: 'wxshop', platform: 'official-account', mode: 'stable', enabled: true }, change: 'created' },
    { type: 'secret.fallback', id, slot: 1 },
    { type: 'secret.misplaced', account: 'wxshop' },
    { type: 'clock.jumped', byMs: -60_000 },
    { type: 'clock.skewed', byMs: 90_000 },
    { type: 'clock.off', byMs: 3_600_000 },
    { type: 'clock.off', byMs: 0 },
    {
      type: 'store.failed',
      during: 'claiming due credentials',
      trouble: { code: 'store_full', message: `disk full near ?secret=${APP_SECRET}`, advice: { en: 'free some', zh: '清理' } },
    },
    { type: 'store.recovered' },
    { type: 'internal.error', during: 'refresh', cause: new TypeError(`no ${KEY}`) },
  ];

  it('makes exactly one line of each, named by its type, without a secret', () => {
    const bus = new EventBus();
    const { logger, lines, text } = capture();
    logEvents(bus, logger);
    for (const event of every) bus.emit(event);
    expect(lines().map(({ event }) => event)).toEqual(every.map(({ type }) => type));
    for (const line of lines()) expect(line.msg).toBeTypeOf('string');
    for (const secret of SECRETS) expect(text.join('')).not.toContain(secret);
  });

  it("names a store's trouble, with its own advice", () => {
    const bus = new EventBus();
    const { logger, lines } = capture();
    logEvents(bus, logger);
    const trouble = { code: 'store_full', message: 'db cannot grow', advice: { en: 'free some', zh: '清理磁盘' } } as const;
    bus.emit({ type: 'store.failed', during: 'ping', trouble });
    const words = { msg: 'store failed while ping: db cannot grow', advice: 'free some', advice_zh: '清理磁盘' };
    expect(lines()[0]).toMatchObject({ level: 'error', code: 'store_full', ...words });
  });

  it('says what to do about a failure, in both languages, with what WeChat said', () => {
    const bus = new EventBus();
    const { logger, lines } = capture();
    logEvents(bus, logger);
    bus.emit({ type: 'refresh.failed', id, failure });
    expect(lines()[0]).toMatchObject({
      level: 'error',
      account: 'wxshop',
      kind: 'access_token',
      errcode: 40164,
      egress_ip: '203.0.113.9',
      advice: 'add the address to the whitelist',
      advice_zh: '请加入 IP 白名单',
      retry_at: '1970-01-01T00:01:00.001Z',
    });
  });

  it('keeps the stack of a fault of ours', () => {
    const bus = new EventBus();
    const { logger, lines } = capture();
    logEvents(bus, logger);
    bus.emit({ type: 'internal.error', during: '/v1/keys', requestId: 'req-7', cause: new TypeError('boom') });
    expect(lines()[0]).toMatchObject({ level: 'error', request_id: 'req-7', err: { type: 'TypeError', message: 'boom' } });
    expect(JSON.stringify(lines()[0])).toContain('log.test.ts');
  });

  it('stays silent below its level', () => {
    const bus = new EventBus();
    const { logger, lines } = capture('warn');
    logEvents(bus, logger);
    for (const event of every) bus.emit(event);
    expect(new Set(lines().map(({ level }) => level))).toEqual(new Set(['warn', 'error']));
  });
});
