import { describe, expect, test } from 'vitest';
import { authorize, covers, unknownAccount, type Want } from '../../../src/access/authorize.ts';
import type { ApiKeyRecord } from '../../../src/core/api-key.ts';
import { keyRecord } from './fixtures.ts';

const NOW = 1_000_000;
const want = (overrides: Partial<Want> = {}): Want => ({
  scope: 'credential:read',
  account: 'wx1',
  ip: '10.0.0.1',
  now: NOW,
  ...overrides,
});
const code = (record: Partial<ApiKeyRecord>, wanted: Partial<Want> = {}) => authorize(keyRecord(record), want(wanted))?.code ?? 'ok';

describe('authorize', () => {
  test.each<[string, Partial<ApiKeyRecord>, Partial<Want>, string]>([
    ['a plain key', {}, {}, 'ok'],
    ['revoked', { revokedAt: 1 }, {}, 'unauthorized'],
    ['expired at this very instant', { expiresAt: NOW }, {}, 'unauthorized'],
    ['expiring in a moment', { expiresAt: NOW + 1 }, {}, 'ok'],
    ['inside its networks', { cidrs: ['10.0.0.0/8'] }, {}, 'ok'],
    ['outside its networks', { cidrs: ['192.0.2.0/24'] }, {}, 'ip_not_allowed'],
    ['networks and an unknown address', { cidrs: ['0.0.0.0/0', '::/0'] }, { ip: null }, 'ip_not_allowed'],
    ['no networks and an unknown address', {}, { ip: null }, 'ok'],
    ['an empty list of networks allows nobody', { cidrs: [] }, {}, 'ip_not_allowed'],
    ['another scope', { scopes: ['credential:refresh', 'metrics'] }, {}, 'forbidden'],
    ['admin implies reading', { scopes: ['admin'] }, {}, 'ok'],
    ['reading implies nothing', {}, { scope: 'admin' }, 'forbidden'],
    ['its account', { accounts: ['wx0', 'wx1'] }, {}, 'ok'],
    ['another account', { accounts: ['wx0'] }, {}, 'not_found'],
    ['an admin of one account, there', { scopes: ['admin'], accounts: ['wx1'] }, { scope: 'admin' }, 'ok'],
    ['an admin of one account, elsewhere', { scopes: ['admin'], accounts: ['wx0'] }, { scope: 'admin' }, 'not_found'],
    ['its kind', { kinds: ['access_token'] }, { kind: 'access_token' }, 'ok'],
    ['another kind', { kinds: ['jsapi_ticket'] }, { kind: 'access_token' }, 'forbidden'],
    ['a sealed key reading', { sealed: true }, { reveals: true }, 'not_available'],
    ['a sealed key otherwise', { sealed: true }, {}, 'ok'],
    ['first things first: revoked before network before scope', { revokedAt: 1, cidrs: [], scopes: [] }, {}, 'unauthorized'],
    ['network before scope', { cidrs: [], scopes: [] }, {}, 'ip_not_allowed'],
    ['scope before account', { scopes: [], accounts: [] }, {}, 'forbidden'],
    ['account before kind', { accounts: [], kinds: [] }, { kind: 'x' }, 'not_found'],
  ])('%s', (_, record, wanted, expected) => {
    expect(code(record, wanted)).toBe(expected);
  });

  test('an admin of one account does not administer the installation', () => {
    const installation: Want = { scope: 'admin', ip: null, now: NOW };
    expect(authorize(keyRecord({ scopes: ['admin'], accounts: ['wx1'] }), installation)?.code).toBe('forbidden');
    expect(authorize(keyRecord({ scopes: ['admin'] }), installation)).toBeNull();
  });

  test('metrics name all accounts, so a key of one does not see them', () => {
    const metrics: Want = { scope: 'metrics', ip: null, now: NOW };
    expect(authorize(keyRecord({ scopes: ['metrics'], accounts: ['wx1'] }), metrics)?.code).toBe('forbidden');
    expect(authorize(keyRecord({ scopes: ['admin'], accounts: ['wx1'] }), metrics)?.code).toBe('forbidden');
    expect(authorize(keyRecord({ scopes: ['metrics'] }), metrics)).toBeNull();
    // A look at the key alone, before the account is known.
    expect(authorize(keyRecord({ accounts: ['wx1'] }), { ...metrics, scope: 'credential:read' })).toBeNull();
  });

  test('a foreign account is answered like an unknown one', () => {
    const foreign = authorize(keyRecord({ accounts: ['wx0'] }), want());
    expect(foreign?.message).toBe(unknownAccount().message);
    expect(covers(keyRecord({ accounts: ['wx0'] }), 'wx1')).toBe(false);
  });
});
