import { beforeEach, describe, expect, test } from 'vitest';
import { ADMIN, appIdOf, away, createWorld, refusal, secretOf, START, type World } from './world.ts';

let world: World;

beforeEach(async () => {
  world = await createWorld();
});

const admin = (method: string, path: string, json?: unknown) =>
  world.call(method, path, { key: ADMIN, ...(json === undefined ? {} : { json }) });

describe('accounts', () => {
  const form = { platform: 'official-account', app_id: appIdOf(1), secret: secretOf(appIdOf(1)) };

  test('added in the declared form; shown with fingerprints and without secrets', async () => {
    const added = await admin('POST', '/v1/accounts', { ...form, id: 'shop:main', mode: 'classic', note: '店铺' });
    expect(added.status).toBe(201);
    expect(added.headers.get('location')).toBe('/v1/accounts/shop%3Amain');
    expect(added.json).toEqual({
      id: 'shop:main',
      platform: 'official-account',
      app_id: appIdOf(1),
      mode: 'classic',
      enabled: true,
      note: '店铺',
      secret_fingerprints: [expect.stringMatching(/^[0-9a-f]{8}$/)],
      secret_revision: 1,
      declared: false,
      created_at: new Date(START).toISOString(),
      updated_at: new Date(START).toISOString(),
      revision: 1,
    });
    expect(added.text).not.toContain(form.secret);
    expect((await admin('GET', added.headers.get('location') ?? '')).json).toEqual(added.json);
  });

  test('the id defaults to the AppID, and the other way round', async () => {
    expect((await admin('POST', '/v1/accounts', form)).json).toMatchObject({ id: appIdOf(1), mode: 'stable' });
    const byId = { ...form, app_id: undefined, id: appIdOf(2) };
    expect((await admin('POST', '/v1/accounts', byId)).json).toMatchObject({ app_id: appIdOf(2) });
  });

  test('twice is a conflict; a changed secret is known by its fingerprint and revision', async () => {
    const first = await admin('POST', '/v1/accounts', form);
    expect((await admin('POST', '/v1/accounts', form)).status).toBe(409);
    const changed = await admin('PATCH', `/v1/accounts/${appIdOf(1)}`, {
      secret: ['another-secret-0123', 'its-fallback-0123'],
      note: 'moved',
    });
    expect(changed.json).toMatchObject({ note: 'moved', secret_revision: 2, revision: 2 });
    expect(changed.json.secret_fingerprints).toHaveLength(2);
    expect(changed.json.secret_fingerprints).not.toContain(first.json.secret_fingerprints[0]);
    expect(changed.text).not.toMatch(/another-secret|its-fallback/);
  });

  test('removed is gone, with its credentials', async () => {
    await admin('POST', '/v1/accounts', form);
    const key = await world.addKey();
    await world.call('GET', `/v1/accounts/${appIdOf(1)}/token`, { key });
    const removed = await admin('DELETE', `/v1/accounts/${appIdOf(1)}`);
    expect([removed.status, removed.text]).toEqual([204, '']);
    expect((await admin('GET', `/v1/accounts/${appIdOf(1)}`)).status).toBe(404);
    expect((await admin('DELETE', `/v1/accounts/${appIdOf(1)}`)).status).toBe(404);
    expect(await world.store.credentials.list(appIdOf(1))).toEqual([]);
  });

  test('pages list each account once, in id order', async () => {
    for (let i = 0; i < 7; i += 1) await world.addAccount(appIdOf(i));
    const seen: string[] = [];
    let cursor = '';
    do {
      const { json } = await admin('GET', `/v1/accounts?limit=3${cursor && `&cursor=${cursor}`}`);
      seen.push(...json.accounts.map(({ id }: { id: string }) => id));
      cursor = json.next_cursor ?? '';
    } while (cursor);
    expect(seen).toEqual(Array.from({ length: 7 }, (_, i) => appIdOf(i)));
  });

  test.each([
    [{ ...form, secret: undefined }, '"secret": give one secret'],
    [{ ...form, secret: ['a', 'b', 'c'] }, '"secret": give one secret'],
    [{ ...form, secret: 'with space in the middle' }, '"secret": use 16 to 128 of A-Z a-z 0-9 _ -'],
    [{ ...form, secret: 'short' }, '"secret": use 16 to 128'],
    [{ ...form, secret: '["a1b2c3d4e5f60718","b1b2c3d4e5f60718"]' }, '"secret": use 16 to 128'],
    [{ ...form, app_id: undefined }, 'id: use 1 to 128'],
    [{ ...form, id: '..' }, '"id": use 1 to 128 of A-Z a-z 0-9 _ . : @ -, the first no dot'],
    [{ ...form, app_id: '.' }, '"app_id": use 1 to 128'],
    [{ ...form, app_id: 'x'.repeat(10_000) }, '"app_id": use 1 to 128'],
    [{ ...form, app_id: 'a\0b' }, '"app_id": use 1 to 128'],
    [{ ...form, platform: 'tiktok' }, 'platform: unknown; known are official-account'],
    [{ ...form, mode: 'turbo' }, 'mode: use one of stable, classic'],
    [{ ...form, note: 'x'.repeat(201) }, '"note"'],
    [{ ...form, note: 'two\nlines' }, '"note": no control characters'],
    [{ ...form, enabled: 'yes' }, '"enabled"'],
    [{ ...form, Secret: 'x' }, '"Secret": unknown'],
    [{ ...form, sealedSecrets: [] }, '"sealedSecrets": unknown'],
    [[], 'field "body"'],
    ['text', 'field "body"'],
  ])('refuses %j', async (body, detail) => {
    const { status, json } = await admin('POST', '/v1/accounts', body);
    expect([status, json.code]).toEqual([400, 'invalid_request']);
    expect(json.detail).toContain(detail);
    expect(json.detail).not.toContain(form.secret);
    expect(await world.directory.countAccounts()).toBe(0);
  });

  test('an empty patch is refused', async () => {
    await world.addAccount(appIdOf(1));
    expect((await admin('PATCH', `/v1/accounts/${appIdOf(1)}`, {})).json.detail).toContain('at least one field');
    expect((await admin('PATCH', `/v1/accounts/${appIdOf(1)}`, { platform: 'mini-game' })).json.detail).toContain('"platform": unknown');
  });

  test('need the scope admin', async () => {
    await world.addAccount(appIdOf(1));
    const key = await world.addKey({
      scopes: ['credential:read', 'credential:refresh', 'sign', 'gateway', 'functions', 'tick', 'metrics'],
    });
    const paths = ['/v1/accounts', `/v1/accounts/${appIdOf(1)}`, '/v1/keys', '/v1/keys/k_admin', '/v1/events', '/v1/status'];
    for (const path of paths) expect((await world.call('GET', path, { key })).json.code).toBe('forbidden');
    for (const [method, path] of [
      ['DELETE', `/v1/accounts/${appIdOf(1)}`],
      ['DELETE', '/v1/keys/k_admin'],
    ] as const) {
      expect((await world.call(method, path, { key })).json.code).toBe('forbidden');
    }
    expect(await world.directory.countAccounts()).toBe(1);
  });
});

describe('keys', () => {
  const form = { name: 'shop', scopes: ['credential:read'], accounts: ['*'] };

  test('made once with its text, and never shown again', async () => {
    const made = await admin('POST', '/v1/keys', {
      ...form,
      cidrs: ['10.0.0.0/8', '2001:DB8::1'],
      calls_per_minute: 600,
      expires_at: '2027-01-31T08:00:00+08:00',
    });
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({
      name: 'shop',
      cidrs: ['10.0.0.0/8', '2001:db8::1/128'],
      calls_per_minute: 600,
      expires_at: '2027-01-31T00:00:00.000Z',
      sealed: false,
      declared: false,
    });
    expect(made.json.key).toMatch(/^zk_[0-9A-Za-z]{40}$/);
    expect(made.headers.get('cache-control')).toBe('no-store');
    const shown = await admin('GET', made.headers.get('location') ?? '');
    const listed = await admin('GET', '/v1/keys');
    for (const { text } of [shown, listed]) {
      expect(text).toContain(made.json.id);
      expect(text).not.toContain(made.json.key);
      expect(text).not.toMatch(/digest/);
    }
  });

  test('works at once, changes at once, and is refused at once after its end', async () => {
    await world.addAccount(appIdOf(1));
    const { json } = await admin('POST', '/v1/keys', form);
    const read = async () => (await world.call('GET', `/v1/accounts/${appIdOf(1)}/token`, { key: json.key, ip: '192.0.2.1' })).status;
    expect(await read()).toBe(200);
    expect((await admin('PATCH', `/v1/keys/${json.id}`, { cidrs: ['10.0.0.0/8'] })).json.cidrs).toEqual(['10.0.0.0/8']);
    expect(await read()).toBe(403);
    await admin('PATCH', `/v1/keys/${json.id}`, { cidrs: null });
    expect(await read()).toBe(200);
    expect((await admin('DELETE', `/v1/keys/${json.id}`)).status).toBe(204);
    expect(await read()).toBe(401);
    expect((await admin('DELETE', `/v1/keys/${json.id}`)).status).toBe(204);
    expect((await admin('GET', `/v1/keys/${json.id}`)).json.revoked_at).not.toBeNull();
  });

  test.each([
    [{ ...form, scopes: [] }, '"scopes": name at least one scope'],
    [{ ...form, scopes: ['root'] }, '"scopes.0": use some of credential:read'],
    [{ ...form, accounts: ['a b'] }, '"accounts.0": use an account id or "*"'],
    [{ ...form, accounts: [] }, '"accounts": name at least one account'],
    [{ ...form, name: 'two words' }, '"name": use 1 to 64'],
    [{ ...form, cidrs: ['10.0.0.0/64'] }, '"cidrs.0": use an IP address or a CIDR'],
    [{ ...form, cidrs: [] }, '"cidrs"'],
    [{ ...form, calls_per_minute: 0 }, '"calls_per_minute"'],
    [{ ...form, calls_per_minute: 1.5 }, '"calls_per_minute"'],
    [{ ...form, expires_at: '2020-01-01T00:00:00Z' }, 'expires_at: lies in the past'],
    [{ ...form, expires_at: '2027-13-01T00:00:00Z' }, '"expires_at": no such instant'],
    [{ ...form, expires_at: 1_800_000_000 }, '"expires_at"'],
    [{ ...form, scopes: ['admin'], accounts: ['wx1'] }, 'accounts: a key with the scope admin covers all accounts'],
    [{ ...form, scopes: ['metrics'], accounts: ['wx1'] }, 'accounts: a key with the scope metrics covers all accounts'],
    [{ ...form, accounts: ['..'] }, '"accounts.0": use an account id or "*"'],
    [{ ...form, digest: 'x' }, '"digest": unknown'],
    [{ ...form, key: 'chosen-by-the-caller-itself' }, '"key": unknown'],
  ])('refuses %j', async (body, detail) => {
    const { status, json } = await admin('POST', '/v1/keys', body);
    expect([status, json.code]).toEqual([400, 'invalid_request']);
    expect(json.detail).toContain(detail);
  });

  test('declared ones are listed and read-only', async () => {
    const declared = { ...form, scopes: ['credential:read'], key: 'declared-key-of-these-tests', kinds: null, cidrs: null } as const;
    world = await createWorld({ declared: [{ ...declared, callsPerMinute: null, expiresAt: null, sealed: false }] });
    const { json, text } = await admin('GET', '/v1/keys');
    expect(json.keys.map(({ id, declared: is }: { id: string; declared: boolean }) => [id, is])).toEqual([
      ['k_admin', false],
      ['k_declared_shop', true],
    ]);
    expect(text).not.toContain(declared.key);
    expect((await admin('DELETE', '/v1/keys/k_declared_shop')).status).toBe(409);
    expect((await admin('PATCH', '/v1/keys/k_declared_shop', { sealed: true })).status).toBe(409);
  });

  test('nobody becomes an admin of everything through an admin key of one account', async () => {
    const { key } = await world.keys.create({ name: 'x', scopes: ['admin'], accounts: ['*'] }, 'test');
    const record = await world.keys.find(key);
    await world.directory.putKey({ ...(record as NonNullable<typeof record>), accounts: [appIdOf(1)] });
    world.keys.dropAll();
    await world.addAccount(appIdOf(1));
    await world.addAccount(appIdOf(2));
    expect((await world.call('GET', `/v1/accounts/${appIdOf(1)}`, { key })).status).toBe(200);
    expect((await world.call('GET', `/v1/accounts/${appIdOf(2)}`, { key })).status).toBe(404);
    for (const path of ['/v1/accounts', '/v1/keys', '/v1/events', '/v1/status']) {
      expect((await world.call('GET', path, { key })).json.code).toBe('forbidden');
    }
    expect((await world.call('POST', '/v1/keys', { key, json: form })).json.code).toBe('forbidden');
  });
});

describe('the audit trail', () => {
  test('newest first, filtered, paged', async () => {
    for (let i = 0; i < 5; i += 1) await world.addAccount(appIdOf(i));
    await world.accounts.update(appIdOf(3), { note: 'x' }, 'cli');
    const first = (await admin('GET', '/v1/events?limit=2')).json;
    expect(first.events.map(({ action }: { action: string }) => action)).toEqual(['account.updated', 'account.created']);
    const rest = (await admin('GET', `/v1/events?limit=200&cursor=${first.next_cursor}`)).json;
    expect(rest.next_cursor).toBeNull();
    const all = [...first.events, ...rest.events].map(({ seq }: { seq: number }) => seq);
    expect(all).toEqual([...all].sort((a, b) => b - a));
    expect(new Set(all).size).toBe(7);
    const filtered = (await admin('GET', `/v1/events?subject=${appIdOf(3)}&action=account.updated`)).json.events;
    expect(filtered).toMatchObject([{ actor: 'cli', subject: appIdOf(3), data: { fields: 'note' } }]);
  });

  test('says who: the key that did it', async () => {
    await admin('POST', '/v1/accounts', { platform: 'mini-program', app_id: appIdOf(1), secret: 'a-secret-of-16-chars' });
    const { events } = (await admin('GET', '/v1/events?limit=1')).json;
    expect(events[0]).toMatchObject({ action: 'account.created', actor: 'key:k_admin', subject: appIdOf(1) });
  });
});

const FULL = { code: 'store_full', message: '/srv/zhongkong.db cannot grow', since: START, advice: { en: 'free some', zh: '清理' } };

describe('status', () => {
  const credential = async (index = 0) => (await admin('GET', '/v1/status')).json.credentials[index];

  test('of the server', async () => {
    world.setHealth({ ready: true, status: 'degraded', causes: [FULL] });
    expect((await admin('GET', '/v1/status')).json.server).toEqual({
      version: '0.0.0-test',
      status: 'degraded',
      causes: [{ ...FULL, since: new Date(START).toISOString() }],
      store: 'memory',
      accounts: 0,
      time: { now: new Date(START).toISOString(), offset_ms: 1500, uncertainty_ms: 0 },
    });
  });

  test('of a healthy credential, with its budgets and without its value', async () => {
    await world.addAccount(appIdOf(1));
    const key = await world.addKey();
    const { json } = await world.call('GET', `/v1/accounts/${appIdOf(1)}/token`, { key });
    const { text } = await admin('GET', '/v1/status');
    expect(await credential()).toMatchObject({
      account: appIdOf(1),
      kind: 'access_token',
      chain: 'stable',
      state: 'fresh',
      generation: 1,
      cause: null,
      operation: null,
      budgets: { issues_today: { used: 1, limit: 500_000 }, forced_today: { used: 0, limit: 20 } },
    });
    expect(text).not.toContain(json.value);
  });

  test('of one that WeChat refuses: cause, class, advice in two languages, next attempt', async () => {
    await world.addAccount(appIdOf(1));
    world.wechat.script(() => refusal(40164, 'invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist'));
    await world.call('GET', `/v1/accounts/${appIdOf(1)}/token`, { key: await world.addKey() });
    const found = await credential();
    expect(found).toMatchObject({
      state: 'missing',
      cause: { code: 'refresh_failing', class: 'network-acl', errcode: 40164, egress_ip: '203.0.113.9' },
    });
    expect(found.cause.advice.en).toContain('203.0.113.9');
    expect(found.cause.advice.zh).toContain('203.0.113.9');
    expect(Date.parse(found.next_attempt_at)).toBeGreaterThan(START);
  });

  test('of one without a limit per minute, and of a disabled one', async () => {
    await world.addAccount(appIdOf(1), { mode: 'classic', enabled: false });
    expect(await credential()).toMatchObject({
      chain: 'classic',
      enabled: false,
      next_attempt_at: null,
      cause: { code: 'account_disabled' },
      budgets: { calls_this_minute: { used: 0, limit: null } },
    });
  });

  test('of one that somebody else fetched', async () => {
    await world.addAccount(appIdOf(1));
    const key = await world.addKey();
    const { json } = await world.call('GET', `/v1/accounts/${appIdOf(1)}/token`, { key });
    world.wechat.kill(json.value);
    await world.call('POST', `/v1/accounts/${appIdOf(1)}/credentials/access_token/report`, { key, json: { value: json.value } });
    const found = await credential();
    expect(found.foreign_refresh_at).not.toBeNull();
    expect(found.cause.code).toBe('foreign_refresh');
    // It is in stable mode already.
    expect(found.cause.advice.en).not.toMatch(/stable/);
  });

  test('one unreadable record does not hide the others', async () => {
    await world.addAccount(appIdOf(1));
    await world.addAccount(appIdOf(2));
    const key = await world.addKey();
    await world.call('GET', `/v1/accounts/${appIdOf(1)}/token`, { key });
    world = await createWorld({ state: world.state, masterKey: Buffer.alloc(32, 8) });
    expect(await credential(0)).toMatchObject({ state: 'unreadable', cause: { code: 'unseal_failed' } });
    expect(await credential(1)).toMatchObject({ state: 'missing', cause: null });
  });

  test('pages by account', async () => {
    for (let i = 0; i < 3; i += 1) await world.addAccount(appIdOf(i));
    const first = (await admin('GET', '/v1/status?limit=2')).json;
    expect(first.credentials).toHaveLength(2);
    const second = (await admin('GET', `/v1/status?limit=2&cursor=${first.next_cursor}`)).json;
    expect([second.credentials.length, second.next_cursor]).toEqual([1, null]);
  });
});

describe('health and metrics', () => {
  test('healthz and readyz need no key; metrics need theirs', async () => {
    expect((await world.call('GET', '/healthz')).json).toEqual({ status: 'ok' });
    expect(await world.call('GET', '/readyz')).toMatchObject({ status: 200, json: { status: 'ok' } });
    world.setHealth({ ready: true, status: 'degraded', causes: [FULL] });
    // Its name, and nothing of where: nobody needs a key to ask.
    expect((await world.call('GET', '/readyz')).json).toEqual({ status: 'degraded', reason: 'store_full' });
    world.setHealth({ ready: true, status: 'ok', causes: [{ ...FULL, code: 'clock_off' }] });
    expect((await world.call('GET', '/readyz')).json).toEqual({ status: 'ok' });
    world.setHealth({ ready: false, status: 'draining', causes: [] });
    expect(await world.call('GET', '/readyz')).toMatchObject({ status: 503, json: { status: 'draining' } });
    expect((await world.call('GET', '/metrics')).status).toBe(401);
    expect((await world.call('GET', '/metrics', { key: await world.addKey() })).json.code).toBe('forbidden');
    const answer = await world.call('GET', '/metrics', { key: await world.addKey({ scopes: ['metrics'] }) });
    expect([answer.status, answer.headers.get('content-type'), answer.text]).toEqual([200, 'text/plain; version=0.0.4', '# nothing\n']);
  });

  test('an account that fails does not make the server unready', async () => {
    await world.addAccount(appIdOf(1));
    world.wechat.script(away);
    await world.call('GET', `/v1/accounts/${appIdOf(1)}/token`, { key: await world.addKey() });
    expect((await world.call('GET', '/readyz')).status).toBe(200);
  });
});
