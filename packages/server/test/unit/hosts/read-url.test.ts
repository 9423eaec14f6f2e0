// The URLs that the fast path takes: one plain spelling each, and nothing that needs thought.
import { describe, expect, it } from 'vitest';
import { readUrl } from '../../../src/hosts/node/read-url.ts';

const KEY = 'zk_0123456789abcdefghijABCDEFGHIJ0123456789';

describe('a plain read', () => {
  it.each([
    ['/v1/accounts/wxshop/token', { surface: 'v1', account: 'wxshop', kind: null, key: null }],
    ['/v1/accounts/corp:1000002/credentials/access_token', { surface: 'v1', account: 'corp:1000002', kind: 'access_token', key: null }],
    ['/v1/accounts/a.b@c-d_e/token', { surface: 'v1', account: 'a.b@c-d_e', kind: null, key: null }],
    [
      `/cgi-bin/token?grant_type=client_credential&appid=wxshop&secret=${KEY}`,
      { surface: 'dropin', account: 'wxshop', kind: 'access_token', key: KEY },
    ],
    [
      `/cgi-bin/token?secret=${KEY}&appid=wxshop&grant_type=client_credential`,
      { surface: 'dropin', account: 'wxshop', kind: 'access_token', key: KEY },
    ],
  ])('%s', (url, read) => {
    expect(readUrl(url)).toEqual(read);
  });
});

describe('left to the app', () => {
  it.each([
    '/v1/accounts/wxshop',
    '/v1/accounts/wxshop/token/',
    '/v1/accounts//token',
    '/v1/accounts/../token',
    '/v1/accounts/./token',
    '/v1/accounts/%77xshop/token',
    '/v1/accounts/corp%3A1/token',
    '/v1/accounts/wxshop/token?',
    '/v1/accounts/wxshop/token?min_ttl=60',
    '/v1/accounts/wxshop/token#x',
    '/v1/accounts/wxshop/credentials/',
    '/v1/accounts/wxshop/credentials/Access_Token',
    '/v1/accounts/wx\0shop/token',
    `/v1/accounts/${'a'.repeat(129)}/token`,
    'http://elsewhere/v1/accounts/wxshop/token',
    '//v1/accounts/wxshop/token',
    '*',
    '',
    '/cgi-bin/token',
    '/cgi-bin/token?',
    `/cgi-bin/token/?grant_type=client_credential&appid=a&secret=${KEY}`,
    `/cgi-bin/token?grant_type=client_credential&appid=wxshop&secret=${KEY}&force_refresh=true`,
    `/cgi-bin/token?grant_type=client_credential&appid=wxshop&appid=wxother&secret=${KEY}`,
    `/cgi-bin/token?grant_type=client_credential&appid=wxshop&appid=${KEY}`,
    `/cgi-bin/token?grant_type=client_credential&appid=wxshop&secret=`,
    `/cgi-bin/token?grant_type=client_credential&appid=wxshop&secret=a%20b`,
    `/cgi-bin/token?grant_type=client_credential&appid=wxshop&secret=a+b`,
    `/cgi-bin/token?grant_type=client_credential&appid=wxshop&secret=a=b`,
    `/cgi-bin/token?grant_type=client_credential&appid=wxshop`,
    `/cgi-bin/token?grant_type=authorization_code&appid=wxshop&secret=${KEY}`,
    `/cgi-bin/token?grant_type=client_credential&__proto__=x&secret=${KEY}`,
    `/cgi-bin/stable_token?grant_type=client_credential&appid=wxshop&secret=${KEY}`,
    `/CGI-BIN/token?grant_type=client_credential&appid=wxshop&secret=${KEY}`,
  ])('%s', (url) => {
    expect(readUrl(url)).toBeNull();
  });
});
