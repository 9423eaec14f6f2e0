/** Each look of doctor, at a machine, a network and accounts that are right, and at ones that are not. */

import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSimulator } from '@zhongkong/simulator';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeyRing } from '../../../src/adapters/key-ring.ts';
import { createSeal } from '../../../src/adapters/seal.ts';
import { checkAccountSecrets, upstreamsInUse } from '../../../src/cli/doctor/accounts.ts';
import type { Finding } from '../../../src/cli/doctor/finding.ts';
import { checkFiles } from '../../../src/cli/doctor/machine.ts';
import { checkNetwork } from '../../../src/cli/doctor/network.ts';
import { checkStore } from '../../../src/cli/doctor/store.ts';
import type { Account } from '../../../src/core/account.ts';
import { secretContext } from '../../../src/core/seal.ts';
import { type Upstream, UpstreamError, type UpstreamRequest } from '../../../src/core/upstream.ts';
import { openMasterKeys } from '../../../src/hosts/master-key.ts';
import { KINDS } from '../../../src/platforms/index.ts';
import { createMemoryStore } from '../../../src/stores/memory/index.ts';
import { openStore } from '../../../src/stores/open.ts';
import { load } from '../config/fixtures.ts';

const SECRET = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
const levels = (findings: readonly Finding[]) => Object.fromEntries(findings.map(({ check, level }) => [check, level]));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zk-doctor-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The port to WeChat, played by a simulator in this process. */
function upstreamOf(simulator: ReturnType<typeof createSimulator>, sent: UpstreamRequest[] = []): Upstream {
  return {
    async send(request) {
      sent.push(request);
      const { method, path, query, json } = request;
      const url = `http://wechat.test${path}?${new URLSearchParams(query)}`;
      const reply = await simulator.fetch(new Request(url, { method, ...(json === undefined ? {} : { body: JSON.stringify(json) }) }), {
        ip: '203.0.113.7',
      });
      return { status: reply.status, text: await reply.text(), dateMs: Date.parse(reply.headers.get('date') ?? '') };
    },
  };
}

describe('accounts', () => {
  const master = randomBytes(32);
  const seal = createSeal(new KeyRing([master]));
  const account = (id: string, patch: Partial<Account> = {}): Account => ({
    id,
    platform: 'official-account',
    appId: id,
    parent: '',
    mode: 'stable',
    sealedSecrets: [seal.seal(SECRET, secretContext(id))],
    secretRevision: 1,
    secretFingerprints: [],
    enabled: true,
    note: '',
    declaration: '',
    createdAt: 0,
    updatedAt: 0,
    revision: 0,
    ...patch,
  });
  const [stable, classic] = ['wx00000000000000a1', 'wx00000000000000a2'];

  async function check(accounts: readonly Account[], ids: readonly string[] = [], sent: UpstreamRequest[] = [], upstream?: Upstream) {
    const simulator = createSimulator({
      accounts: { [stable]: { secret: SECRET }, [classic]: { secret: SECRET } },
    });
    const { directory } = createMemoryStore({ now: () => 0 });
    for (const one of accounts) await directory.putAccount(one);
    const findings = await checkAccountSecrets(ids, { directory, seal, upstream: upstream ?? upstreamOf(simulator, sent), kinds: KINDS });
    expect(JSON.stringify(findings)).not.toContain(SECRET);
    return { findings, simulator };
  }

  it('accepted: asked once, without force, and a classic token lives on', async () => {
    const sent: UpstreamRequest[] = [];
    const { findings, simulator } = await check([account(stable), account(classic, { mode: 'classic' })], [], sent);
    expect(findings.map(({ check: what, level, subject }) => [what, level, subject])).toEqual([
      ['secret', 'ok', stable],
      ['secret', 'ok', classic],
    ]);
    expect(sent.map(({ path, json }) => [path, (json as { force_refresh: boolean }).force_refresh])).toEqual([
      ['/cgi-bin/stable_token', false],
      ['/cgi-bin/stable_token', false],
    ]);
    expect(simulator.control.account(classic).classic.current).toBeNull();
  });

  it('refused: a wrong secret, a fallback that is right, and an address that is not on the whitelist', async () => {
    const sealed = (text: string) => seal.seal(text, secretContext(stable));
    const { findings } = await check([account(stable, { sealedSecrets: [sealed('0'.repeat(32)), sealed(SECRET)] })]);
    expect(findings.map(({ level, text }) => [level, text.en])).toEqual([
      ['warning', expect.stringMatching(/^40125 /)],
      ['ok', expect.stringMatching(/^fallback: /)],
    ]);
    expect(findings[0]?.advice?.en).toMatch(/put the working one first/);

    const { findings: stale } = await check([account(stable, { sealedSecrets: [sealed(SECRET), sealed('0'.repeat(32))] })]);
    expect(stale.map(({ level }) => level)).toEqual(['ok', 'warning']);
    expect(stale[1]?.advice?.en).toMatch(/^Remove it/);

    const { findings: both } = await check([account(stable, { sealedSecrets: [sealed('1'.repeat(32)), sealed('0'.repeat(32))] })]);
    expect(both.map(({ level }) => level)).toEqual(['error', 'error']);
    expect(both[0]?.advice?.zh).toMatch(/\p{Script=Han}/u);

    const guarded = createSimulator({ accounts: { [stable]: { secret: SECRET, whitelist: ['198.51.100.1'] } } });
    const { findings: listed } = await check([account(stable)], [], [], upstreamOf(guarded));
    expect(listed).toMatchObject([
      { check: 'whitelist', level: 'error', text: { en: expect.stringContaining('WeChat sees this machine as 203.0.113.7') } },
    ]);
  });

  it('say which upstreams are needed', async () => {
    const { directory } = createMemoryStore({ now: () => 0 });
    const used = async () => [...((await upstreamsInUse(directory, KINDS)) ?? ['all'])].sort();
    expect(await used()).toEqual(['all']);
    await directory.putAccount(account('wx00000000000000b1', { platform: 'borrowed', mode: 'borrowed', revision: 0 }));
    expect(await used()).toEqual(['borrowed']);
    await directory.putAccount(account('wx00000000000000b2', { platform: 'mini-program', revision: 0 }));
    expect(await used()).toEqual(['borrowed', 'wechat']);
  });

  it('borrowed: the lender is asked, and what it refuses is told of the key', async () => {
    const sent: UpstreamRequest[] = [];
    const lender = (body: object): Upstream => ({
      send: async (request) => {
        sent.push(request);
        return { status: 200, text: JSON.stringify(body), dateMs: null };
      },
    });
    const borrowed = account(stable, { platform: 'borrowed', mode: 'borrowed' });
    const { findings } = await check([borrowed], [], [], lender({ access_token: 'TOKEN', expires_in: 60 }));
    expect(findings).toMatchObject([{ check: 'secret', level: 'ok', text: { en: 'the lender accepts it from this machine' } }]);
    const { findings: refused } = await check([borrowed], [], [], lender({ errcode: 40164, errmsg: 'invalid ip 203.0.113.9' }));
    // Not "WeChat sees this machine as": it may be the lender's address.
    expect(refused).toMatchObject([{ check: 'secret', level: 'error', text: { en: '40164 invalid ip 203.0.113.9' } }]);
    expect(sent.map(({ upstream, json }) => [upstream, (json as { force_refresh: boolean }).force_refresh])).toEqual([
      ['borrowed', false],
      ['borrowed', false],
    ]);
  });

  it('not asked: unknown, disabled, sealed with another key', async () => {
    const foreign = createSeal(new KeyRing([randomBytes(32)])).seal(SECRET, secretContext(classic));
    const { findings } = await check(
      [account(stable, { enabled: false }), account(classic, { sealedSecrets: [foreign] })],
      ['nobody', stable, classic],
    );
    expect(findings.map(({ level, text }) => [level, text.en])).toEqual([
      ['error', 'no such account'],
      ['info', 'disabled, not asked'],
      ['error', 'cannot be unsealed'],
    ]);
  });

  it('offline: said once for each account, whatever the number of its secrets', async () => {
    const offline: Upstream = { send: () => Promise.reject(new UpstreamError('never_left', 'dns')) };
    const two = [seal.seal('a', secretContext(stable)), seal.seal('b', secretContext(stable))];
    const { findings } = await check([account(stable, { sealedSecrets: two })], [], [], offline);
    expect(findings).toMatchObject([{ check: 'reach', level: 'error', text: { en: 'WeChat could not be asked (dns)' } }]);
  });
});

describe('the way to WeChat', () => {
  const NOW = Date.UTC(2027, 0, 31);
  const config = () => load({ env: { ZHONGKONG_UPSTREAM_WECHAT: 'http://127.0.0.1:1' } });
  const replying = (text: string, dateMs: number | null): Upstream => ({ send: async () => ({ status: 200, text, dateMs }) });

  it('to a lender, when there is one', async () => {
    const given = await load({
      env: { ZHONGKONG_UPSTREAM_WECHAT: 'http://127.0.0.1:1', ZHONGKONG_UPSTREAM_BORROWED: 'http://127.0.0.1:2' },
    });
    const sent: UpstreamRequest[] = [];
    const up: Upstream = { send: async (request) => (sent.push(request), { status: 200, text: '{}', dateMs: null }) };
    expect(await checkNetwork(given, up, () => NOW)).toMatchObject([
      { check: 'reach', level: 'ok', subject: '127.0.0.1:1' },
      { check: 'reach', level: 'ok', subject: '127.0.0.1:2' },
    ]);
    expect(sent.map(({ upstream, path }) => `${upstream}${path}`)).toEqual(['wechat/cgi-bin/get_api_domain_ip', 'borrowed/healthz']);
  });

  it('and not to WeChat, when no account needs it', async () => {
    const given = await load({ env: { ZHONGKONG_UPSTREAM_BORROWED: 'http://127.0.0.1:2' } });
    const findings = await checkNetwork(given, replying('{}', null), () => NOW, new Set(['borrowed']));
    expect(findings).toMatchObject([{ check: 'reach', subject: '127.0.0.1:2' }]);
  });

  it.each([
    ['right', 0, 'ok'],
    ['a little off', -20_000, 'warning'],
    ['far behind', -3_600_000, 'error'],
    ['far ahead', 3_600_000, 'error'],
  ])('a clock that is %s', async (_, aheadMs, level) => {
    const findings = await checkNetwork(await config(), replying('{"errcode":41001}', NOW - aheadMs), () => NOW);
    expect(levels(findings)).toEqual({ reach: 'ok', clock: level });
    const { text } = findings.find(({ check }) => check === 'clock') ?? {};
    if (level === 'error') expect(text?.en).toMatch(aheadMs > 0 ? /\b3600 s ahead of/ : /\b360[01] s behind/);
  });

  it('somebody else answers, or nobody', async () => {
    expect(levels(await checkNetwork(await config(), replying('<html>log in</html>', null), () => NOW))).toEqual({ reach: 'error' });
    const offline: Upstream = { send: () => Promise.reject(new UpstreamError('unknown', 'timeout')) };
    expect(await checkNetwork(await config(), offline, () => NOW)).toMatchObject([
      { check: 'reach', level: 'error', text: { en: 'no answer (timeout)' } },
    ]);
  });

  it('names and certificates: each says for itself what fails', async () => {
    const given = await load({ env: { ZHONGKONG_UPSTREAM_WECHAT: 'https://wechat.invalid' } });
    const offline: Upstream = { send: () => Promise.reject(new UpstreamError('never_left', 'dns')) };
    const findings = await checkNetwork(given, offline, () => NOW);
    expect(levels(findings)).toEqual({ dns: 'error', tls: 'error', reach: 'error' });
    expect(findings.at(-1)?.advice?.en).toBe('See dns and tls above.');
  });

  it('no answer points only to what was looked at', async () => {
    const offline: Upstream = { send: () => Promise.reject(new UpstreamError('never_left', 'refused')) };
    const proxied = await load({
      env: { ZHONGKONG_UPSTREAM_WECHAT: 'https://wechat.invalid', ZHONGKONG_EGRESS_PROXY: 'http://127.0.0.1:1' },
    });
    for (const given of [await config(), proxied]) {
      const findings = await checkNetwork(given, offline, () => NOW);
      expect(findings.map(({ check }) => check)).toEqual(['reach']);
      expect(findings[0]?.advice?.en).not.toMatch(/above/);
    }
  });
});

describe('files', () => {
  it('that others may read are told, secrets of theirs are not', async () => {
    const keyFile = join(folder, 'master-key');
    await writeFile(keyFile, 'x', { mode: 0o600 });
    await writeFile(join(folder, 'zhongkong.yaml'), `adminKey: ${SECRET}\nstore: sqlite:${folder}/zk.db\n`, { mode: 0o644 });
    await writeFile(join(folder, 'admin-key'), SECRET, { mode: 0o600 });
    const config = await load({ cwd: folder });
    const findings = await checkFiles(config);
    expect(levels(findings)).toMatchObject({ 'key-file': 'ok', 'config-file': 'warning', 'admin-key-file': 'warning' });
    expect(levels(findings).disk).toBeDefined();
    expect(JSON.stringify(findings)).not.toContain(SECRET);
    await chmod(keyFile, 0o640);
    expect((await checkFiles(config))[0]).toMatchObject({
      check: 'key-file',
      level: 'error',
      text: { en: 'others may read it (mode 0640)' },
    });
  });

  it('that are not there yet are nothing to worry about', async () => {
    expect((await checkFiles(await load({ cwd: folder }))).filter(({ level }) => level !== 'ok')).toEqual([]);
  });
});

describe('the store', () => {
  const configHere = () => load({ cwd: folder, flags: { store: 'sqlite:zk.db' } });

  it('is not made by looking at it', async () => {
    const config = await configHere();
    const checked = await checkStore(config);
    expect(checked).toMatchObject({ store: null, seal: null, findings: [{ check: 'store', level: 'info' }] });
    expect((await checkStore(config)).findings[0]?.level).toBe('info');
  });

  it('opens, and knows its master key from another one', async () => {
    const config = await configHere();
    const store = await openStore(config.store);
    await openMasterKeys(config, store.directory);
    await store.close();
    const right = await checkStore(config);
    expect(levels(right.findings)).toEqual({ store: 'ok', 'master-key': 'ok' });
    expect(right.seal).not.toBeNull();
    await right.store?.close();
    const wrong = await checkStore({ ...config, masterKey: randomBytes(32).toString('base64') });
    expect(levels(wrong.findings)).toEqual({ store: 'ok', 'master-key': 'error' });
    expect(wrong.seal).toBeNull();
    await wrong.store?.close();
  });

  it('makes no key for a store that never had one', async () => {
    const config = await configHere();
    await (await openStore(config.store)).close();
    const checked = await checkStore(config);
    await checked.store?.close();
    expect(levels(checked.findings)).toEqual({ store: 'ok', 'master-key': 'info' });
    await expect(rm(join(folder, 'master-key'))).rejects.toThrow('ENOENT');
  });

  it('that is no database is told with what to do', async () => {
    await writeFile(join(folder, 'zk.db'), 'this is no database, but it is long enough to be looked at as one. '.repeat(20), {
      mode: 0o600,
    });
    const { findings, store } = await checkStore(await configHere());
    expect(store).toBeNull();
    expect(findings).toMatchObject([{ check: 'store', level: 'error', advice: { en: expect.any(String) } }]);
  });
});
