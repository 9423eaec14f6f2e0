/** The paths under /_sim/: what they do, what they refuse, and that a refusal changes nothing. */
import { describe, expect, it } from 'vitest';
import { ROUTES } from '../../src/control/routes.ts';
import { APPID, createBench, DAY, OTHER, SECRET, START, TOKEN } from '../bench.ts';

function remote() {
  const bench = createBench();
  const sim = (method: string, path: string, json?: unknown) => bench.ask(method, `/_sim/${path}`, json === undefined ? {} : { json });
  return { ...bench, sim };
}

describe('accounts', () => {
  it('PUT creates with a secret of its own, or changes only what is named', () => {
    const { sim } = remote();
    const made = sim('PUT', `accounts/${OTHER}`);
    expect(made.status).toBe(200);
    expect(made.json).toMatchObject({ id: OTHER, secret: expect.stringMatching(/^[0-9a-f]{32}$/), platform: null, status: 'normal' });
    const changed = sim('PUT', `accounts/${OTHER}`, { platform: 'mini-game', lifetime_seconds: 600 });
    expect(changed.json).toMatchObject({ secret: made.json.secret, platform: 'mini-game', lifetime_seconds: 600 });
  });

  it('GET shows chains and counters', () => {
    const { sim, classic } = remote();
    const [a, b] = [classic(), classic()].map((asked) => asked.json.access_token);
    classic({ secret: 'x' });
    expect(sim('GET', `accounts/${APPID}`).json).toMatchObject({
      classic: { current: { value: b, state: 'alive' }, previous: [{ value: a, state: 'grace', valid_until: START + 300_000 }] },
      stable: { current: null, previous: [] },
      quota: { used: { [TOKEN]: { day: 2, minute: 2 } }, forced_today: 0, clears_this_month: 0 },
      counters: {
        issues: { [TOKEN]: { normal: 2, forced: 0, rogue: 0 } },
        calls: { [TOKEN]: { total: 3, errors: { 40125: 1 } } },
        business: { accepted: 0, rejected: {} },
      },
    });
  });

  it('DELETE kills its tokens; made again it issues others', () => {
    const { sim, classic, use } = remote();
    const value = classic().json.access_token;
    expect(sim('DELETE', `accounts/${APPID}`).status).toBe(200);
    expect(use(value)).toBe(40001);
    expect(sim('GET', `tokens/${value}`).json.state).toBe('dead');
    expect([sim('GET', `accounts/${APPID}`).status, classic().json.errcode]).toEqual([404, 40013]);
    sim('PUT', `accounts/${APPID}`, { secret: SECRET });
    expect(classic().json.access_token).not.toBe(value);
    expect(use(value)).toBe(40001);
  });

  it('lists ids, pages them, and deletes all', () => {
    const { sim } = remote();
    sim('PUT', `accounts/${OTHER}`);
    expect(sim('GET', 'accounts').json).toEqual({ total: 2, ids: [APPID, OTHER] });
    expect(createBench().ask('GET', '/_sim/accounts', { query: 'offset=1&limit=5' }).json).toEqual({ total: 1, ids: [] });
    sim('DELETE', 'accounts');
    expect(sim('GET', 'accounts').json).toEqual({ total: 0, ids: [] });
  });

  it('secret, freeze, whitelist, risk, rogue, revoke', () => {
    const { sim, classic } = remote();
    const value = classic().json.access_token;
    const path = (what: string) => `accounts/${APPID}/${what}`;
    expect(sim('POST', path('rogue'), { chain: 'classic', times: 2 }).json.values).toHaveLength(2);
    expect(sim('GET', `tokens/${value}`).json.state).toBe('dead');
    expect(sim('POST', path('revoke'), { which: 'all' }).json).toEqual({ revoked: 2 });
    const { secret } = sim('POST', path('secret')).json;
    expect(classic({ secret }).json.access_token).toBeTruthy();
    expect(sim('POST', path('secret'), { secret: 'mine' }).json).toEqual({ secret: 'mine' });
    expect(sim('POST', path('freeze'), { frozen: true }).json.frozen).toBe(true);
    expect(sim('PUT', path('whitelist'), { whitelist: ['1.2.3.0/24'], delay_seconds: 600 }).json).toMatchObject({
      whitelist: null,
      pending: { whitelist: { value: ['1.2.3.0/24'], at: START + 600_000 } },
    });
    expect(sim('POST', path('risk'), { ip: '1.1.1.1', agree: false }).json.risks).toEqual({
      '1.1.1.1': { state: 'refused', refusals: 1, blocked_until: START + 3_600_000 },
    });
  });

  it('revoke takes the current, the previous or all of one chain or both', () => {
    const revoked = (json: unknown) => {
      const { sim, classic, stable } = remote();
      const values = [classic(), classic(), stable(), stable({ force_refresh: true })].map((asked) => asked.json.access_token);
      sim('POST', `accounts/${APPID}/revoke`, json);
      return values.map((value) => sim('GET', `tokens/${value}`).json.state);
    };
    expect(revoked({})).toEqual(['grace', 'dead', 'grace', 'dead']);
    expect(revoked({ chain: 'classic' })).toEqual(['grace', 'dead', 'grace', 'alive']);
    expect(revoked({ chain: 'stable', which: 'previous' })).toEqual(['grace', 'alive', 'dead', 'alive']);
    expect(revoked({ which: 'all' })).toEqual(['dead', 'dead', 'dead', 'dead']);
  });
});

describe('revoke', () => {
  it('leaves what is dead already as it was', () => {
    const { classic, control, advance } = createBench();
    const value = classic().json.access_token;
    advance(DAY);
    expect(control.revoke(APPID, { which: 'all' })).toEqual({ revoked: 0 });
    expect(control.token(value).valid_until).toBe(START + 7_200_000);
  });
});

describe('the other paths', () => {
  it('tokens: state, owner and kind of a token or ticket', () => {
    const { sim, stable, ask, advance } = remote();
    const access_token = stable().json.access_token;
    const { ticket } = ask('GET', '/cgi-bin/ticket/getticket', { query: { access_token, type: 'wx_card' } }).json;
    expect(sim('GET', `tokens/${access_token}`).json).toEqual({
      value: access_token,
      state: 'alive',
      account: APPID,
      kind: 'stable',
      issued_at: START,
      expires_at: START + 7_200_000,
      valid_until: START + 7_200_000,
    });
    expect(sim('GET', `tokens/${ticket}`).json).toMatchObject({ state: 'alive', kind: 'wx_card' });
    expect(sim('GET', 'tokens/refreshtoken%40%40%40x').json).toMatchObject({ value: 'refreshtoken@@@x', state: 'unknown', account: null });
    advance(DAY);
    expect(sim('GET', `tokens/${access_token}`).json.state).toBe('dead');
  });

  it('clock: shows and advances, never back', () => {
    const { sim } = remote();
    expect(sim('GET', 'clock').json).toEqual({ now_ms: START });
    expect(sim('POST', 'clock', { advance_ms: 7000 }).json).toEqual({ now_ms: START + 7000 });
    expect(sim('POST', 'clock', { advance_ms: -1 })).toMatchObject({ status: 400, json: { error: expect.stringContaining('advance_ms') } });
    expect(sim('GET', 'clock').json).toEqual({ now_ms: START + 7000 });
  });

  it('faults: PUT replaces, POST adds, DELETE clears; one or an array', () => {
    const { sim, ask } = remote();
    expect(sim('PUT', 'faults', [{ fault: 'drop', count: 0 }]).json.faults).toHaveLength(1);
    expect(sim('POST', 'faults', { fault: 'empty', name: 'e' }).json.faults).toHaveLength(2);
    expect(ask('DELETE', '/_sim/faults', { query: 'name=e' }).json).toEqual({ removed: 1 });
    expect(sim('GET', 'faults').json).toEqual({ faults: [{ fault: 'drop', count: 0, hits: 0, left: 0 }] });
    expect(sim('DELETE', 'faults').json).toEqual({ removed: 1 });
  });

  it('knobs: change while running, except those that size a memory', () => {
    const { sim, classic } = remote();
    expect(sim('PUT', 'knobs', { lifetimeSeconds: 60 }).json.lifetimeSeconds).toBe(60);
    expect(classic().json.expires_in).toBe(60);
    expect(sim('PUT', 'knobs', { ridMemory: 5 })).toMatchObject({
      status: 400,
      json: { error: expect.stringContaining('knobs.ridMemory') },
    });
  });

  it('state and index; nothing here is struck by faults or counted', () => {
    const { sim } = remote();
    sim('PUT', 'faults', { fault: 'drop' });
    expect(sim('GET', 'state').json).toMatchObject({ seed: '1', now_ms: START, accounts: 1, strangers: { calls: {} } });
    expect(Object.keys(sim('GET', '').json.paths)).toHaveLength(Object.keys(ROUTES).length);
  });

  it('404 for an unknown path or account, 405 with the methods allowed', () => {
    const { sim } = remote();
    expect([sim('GET', 'nothing').status, sim('GET', 'accounts/').status, sim('GET', 'accounts/*/secret/x').status]).toEqual([
      404, 404, 404,
    ]);
    expect(sim('POST', 'accounts/nobody/rogue').json).toEqual({ error: 'no account nobody' });
    expect(sim('PATCH', `accounts/${APPID}`)).toMatchObject({ status: 405, json: { error: expect.stringContaining('GET, PUT, DELETE') } });
  });
});

describe('bad input', () => {
  const cases: [string, string, unknown, string][] = [
    ['PUT', `accounts/${APPID}`, { sandbox: true, whitelist: ['1.2.3.4:80'] }, 'whitelist[0]'],
    ['PUT', `accounts/${APPID}`, { sandbox: true, colour: 'red' }, 'colour'],
    ['PUT', `accounts/${APPID}`, { sandbox: true, platform: 'wecom' }, 'platform'],
    ['PUT', `accounts/${APPID}`, { sandbox: true, secret: 'has space' }, 'secret'],
    ['PUT', `accounts/${APPID}`, { sandbox: true, limits: { [TOKEN]: { day: -1 } } }, 'limits./cgi-bin/token.day'],
    ['PUT', `accounts/${APPID}`, [], 'body'],
    ['PUT', 'accounts/has%20space', {}, 'id'],
    ['POST', `accounts/${APPID}/freeze`, {}, 'frozen'],
    ['POST', `accounts/${APPID}/risk`, { ip: '1.1.1.1' }, 'agree'],
    ['POST', `accounts/${APPID}/rogue`, { times: 0 }, 'times'],
    ['PUT', 'faults', [{ fault: 'drop' }, { fault: 'latency' }], 'faults[1].ms'],
    ['PUT', 'faults', [{ fault: 'drop' }, { fault: 'explode' }], 'faults[1].fault'],
    ['PUT', 'faults', { fault: 'drop', bytes: 3 }, 'fault.bytes'],
    ['PUT', 'faults', undefined, 'body'],
    ['PUT', 'knobs', { lifetimeSeconds: 60, checkOrder: ['appid_known'] }, 'knobs.checkOrder'],
    ['POST', 'clock', undefined, 'advance_ms'],
  ];

  it.each(cases)('%s %s %j is a 400 that names %s; nothing changed', (method, path, json, field) => {
    const { sim } = remote();
    const before = [sim('GET', `accounts/${APPID}`).text, sim('GET', 'state').text, sim('GET', 'knobs').text];
    const refused = sim(method, path, json);
    expect(refused.status).toBe(400);
    expect(refused.json.error).toMatch(new RegExp(`^${field.replace(/[[\]/.]/g, '\\$&')}:`));
    expect([sim('GET', `accounts/${APPID}`).text, sim('GET', 'state').text, sim('GET', 'knobs').text]).toEqual(before);
  });

  it('names what is not JSON, and a bad page', () => {
    const { ask } = createBench();
    expect(ask('PUT', '/_sim/faults', { body: '{' })).toMatchObject({
      status: 400,
      json: { error: expect.stringMatching(/^body: not JSON/) },
    });
    expect(ask('GET', '/_sim/accounts', { query: 'limit=-1' })).toMatchObject({
      status: 400,
      json: { error: expect.stringMatching(/^limit:/) },
    });
  });

  it('does not repeat a secret in its message', () => {
    expect(remote().sim('PUT', `accounts/${APPID}`, { secret: 'top secret' }).text).not.toContain('top secret');
  });
});
