/** Nothing secret in what is logged, told, kept in the trail or answered, whatever goes right or wrong. */

import { expect, test } from 'vitest';
import { createLogger, logEvents } from '../../../src/observe/log.ts';
import { EventBus } from '../../../src/core/events.ts';
import { ADMIN, type Answered, appIdOf, away, createWorld, type Given, refusal, secretOf } from './world.ts';

/** What an account's life brings, through every route, with secrets wherever somebody could put one by mistake. */
test('a whole life leaves no secret behind, but in the answers that are made to give it', async () => {
  const world = await createWorld({ app: { acceptAppSecret: true } });
  const app = appIdOf(1);
  const secrets = new Set([ADMIN, secretOf(app), 'generated-second-secret']);
  const answers: Answered[] = [];
  /** Answers that are made to hand a value to this very caller. */
  const giving: Answered[] = [];
  const call = async (method: string, path: string, given: Given = {}): Promise<Answered> => {
    const answer = await world.call(method, path, given);
    (answer.json?.value || answer.json?.access_token || answer.json?.key ? giving : answers).push(answer);
    for (const value of [answer.json?.value, answer.json?.access_token, answer.json?.key]) if (value) secrets.add(value);
    return answer;
  };
  const json = { 'content-type': 'application/json' };
  const base = `/v1/accounts/${app}/credentials/access_token`;

  await call('POST', '/v1/accounts', {
    key: ADMIN,
    json: { platform: 'official-account', app_id: app, secret: secretOf(app), note: 'shop' },
  });
  await call('POST', '/v1/accounts', { key: ADMIN, json: { platform: 'x', app_id: app, secret: secretOf(app) } });
  await call('POST', '/v1/accounts', { key: ADMIN, body: `{"secret":"${secretOf(app)}",`, headers: json });
  await call('POST', '/v1/accounts', { key: ADMIN, json: { platform: 'x', app_id: app, secret: [secretOf(app), 1] } });
  const { key } = (await call('POST', '/v1/keys', { key: ADMIN, json: { name: 'shop', scopes: ['credential:read'], accounts: ['*'] } }))
    .json;
  const sealed = (
    await call('POST', '/v1/keys', { key: ADMIN, json: { name: 's', scopes: ['credential:read'], accounts: ['*'], sealed: true } })
  ).json.key;
  const { value } = (await call('GET', base, { key })).json;
  await call('POST', `${base}/report`, { key, json: { value } });
  await call('POST', `${base}/report`, { key, json: { value: `${value} ` } });
  await call('POST', `${base}/report`, { key, json: { value, [value]: value } });
  await call('POST', `${base}/refresh`, { key, json: { reason: 'x' } });
  await call('POST', `${base}/refresh`, { key: ADMIN, json: { reason: 'because' } });
  await call('POST', `${base}/revoke-leaked`, { key: ADMIN, json: { reason: 'leaked' } });
  for (const secret of [key, sealed, ADMIN, secretOf(app), 'generated-second-secret', `${key}x`]) {
    await call('GET', `/v1/accounts/${app}/token?key=${secret}`, { key });
    await call('GET', `/v1/accounts/${app}/token?access_token=${secret}`, { key });
    await call('GET', base, { key: secret });
    await call('GET', `/v1/accounts/${secret}/token`, { key });
    await call('GET', `/v1/keys/${secret}`, { key: ADMIN });
    await call('GET', `/cgi-bin/token?grant_type=client_credential&appid=${app}&secret=${secret}`);
    await call('GET', `/cgi-bin/token?grant_type=client_credential&appid=${secret}&secret=${key}`);
    await call('GET', `/cgi-bin/token?grant_type=${secret}&appid=${app}&secret=${secret}`);
    await call('POST', '/cgi-bin/stable_token', { json: { grant_type: 'client_credential', appid: app, secret, force_refresh: true } });
    await call('POST', '/cgi-bin/stable_token', { body: `{"secret":"${secret}"` });
    await call('GET', `/cgi-bin/user/info?access_token=${secret}`);
    await call('GET', `/${secret}`);
    await call('DELETE', `/v1/${secret}`, { key: secret });
  }
  world.wechat.script((request) => refusal(40125, `invalid appsecret ${JSON.stringify(request.json)}`));
  await world.advance(8_000_000);
  await call('PATCH', `/v1/accounts/${app}`, { key: ADMIN, json: { secret: ['generated-second-secret', secretOf(app)] } });
  await call('GET', base, { key });
  world.wechat.script(away);
  await world.advance(4_000_000);
  await call('GET', base, { key });
  for (const path of [
    '/v1/status',
    '/v1/events?limit=200',
    '/v1/accounts',
    '/v1/keys',
    `/v1/accounts/${app}`,
    '/openapi.json',
    '/docs',
    '/metrics',
  ]) {
    await call('GET', path, { key: ADMIN });
  }
  await call('DELETE', `/v1/accounts/${app}`, { key: ADMIN });

  expect([world.said.length > 5, world.logged.length > 80, answers.length > 60, giving.length > 5, secrets.size > 5]).toEqual(
    Array(5).fill(true),
  );
  const told = {
    requests: JSON.stringify(world.logged),
    events: JSON.stringify(world.said),
    trail: JSON.stringify(await world.directory.audit({ before: null, limit: 1000 })),
    lines: linesOf(world.said, world.logged),
  };
  for (const [where, text] of Object.entries(told))
    for (const secret of secrets) expect(text.includes(secret), `${secret} in ${where}`).toBe(false);
  // An unknown path segment is repeated by nobody; a value is given only by the answers made for it.
  for (const { text, status, headers } of answers) {
    for (const secret of secrets) {
      expect(text.includes(secret), `${secret} in ${status} ${text}`).toBe(false);
      expect(JSON.stringify([...headers]).includes(secret)).toBe(false);
    }
  }
  // And of the giving ones none says more than its own value.
  for (const { json: given } of giving) {
    const own = new Set([given.value, given.access_token, given.key]);
    for (const secret of secrets) if (!own.has(secret)) expect(JSON.stringify(given).includes(secret)).toBe(false);
  }
});

/** What the log would print of all this. */
function linesOf(events: readonly Parameters<EventBus['emit']>[0][], requests: readonly object[]): string {
  const lines: string[] = [];
  const logger = createLogger({ level: 'trace', destination: { write: (line: string) => void lines.push(line) } });
  const bus = new EventBus();
  logEvents(bus, logger);
  for (const event of events) bus.emit(event);
  for (const request of requests) logger.info(request, 'request');
  expect(lines.length).toBeGreaterThan(50);
  return lines.join('');
}
