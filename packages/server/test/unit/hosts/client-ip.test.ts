// The client's IP: believed only from trusted proxies, never guessed.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientIp, peerIp } from '../../../src/hosts/node/client-ip.ts';
import { ADDRESSES, NETWORKS } from '../access/ip-spellings.ts';

const proxies = new ClientIp(['10.0.0.0/8', '192.0.2.7', '2001:db8:1::/48', '::ffff:172.16.0.0/108']);

describe('the trusted peer', () => {
  it.each([
    ['10.1.2.3', true],
    ['192.0.2.7', true],
    ['192.0.2.8', false],
    ['172.16.9.9', true],
    ['172.32.0.1', false],
    ['2001:db8:1::5', true],
    ['2001:db8:2::5', false],
    [null, false],
  ])('%s: %s', (peer, trusted) => {
    expect(proxies.isTrusted(peer)).toBe(trusted);
  });

  it('is nobody when none is configured', () => {
    expect(new ClientIp([]).isTrusted('127.0.0.1')).toBe(false);
  });
});

describe('the client behind a proxy', () => {
  it.each([
    ['one hop', '203.0.113.9', '203.0.113.9'],
    ['what strangers wrote to the left', '127.0.0.1, 203.0.113.9', '203.0.113.9'],
    ['a chain of proxies', '203.0.113.9, 10.0.0.5, 2001:db8:1::1', '203.0.113.9'],
    ['odd spacing', ' 203.0.113.9 ,10.0.0.5 ', '203.0.113.9'],
    ['a port', '203.0.113.9:4711', '203.0.113.9'],
    ['IPv6 in brackets with a port', '[2001:db8:9::1]:4711', '2001:db8:9::1'],
    ['long IPv6', '2001:0DB8:0009:0000:0000:0000:0000:0001', '2001:db8:9::1'],
    ['IPv4-mapped', '::ffff:203.0.113.9', '203.0.113.9'],
    ['junk left of the client', 'junk, 203.0.113.9', '203.0.113.9'],
  ])('%s', (_what, header, ip) => {
    expect(proxies.behindProxy(header)).toBe(ip);
    expect(proxies.behindProxy(header)).toBe(ip);
  });

  it.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['an empty hop', '203.0.113.9,'],
    ['a name', 'client.example'],
    ['unknown', 'unknown'],
    ['junk right of the client', '203.0.113.9, junk'],
    ['junk behind a trusted hop', 'junk, 10.0.0.5'],
    ['only proxies', '10.0.0.9, 10.0.0.5'],
    ['an octal or hex spelling', '0x7f.0.0.1'],
    ['a short spelling', '127.1'],
    ['numbers too large', '256.1.1.1'],
    ['a null byte', '203.0.113.9\0'],
    ['a flood', '203.0.113.9,'.repeat(100)],
  ])('is unknown with %s', (_what, header) => {
    expect(proxies.behindProxy(header)).toBeNull();
    expect(proxies.behindProxy(header)).toBeNull();
  });

  it('never takes anything left of the right-most stranger', () => {
    const ip = fc.ipV4();
    fc.assert(
      fc.property(
        fc.array(fc.oneof(ip, fc.string())),
        ip,
        fc.array(fc.ipV4().map((v4) => `10.${v4.split('.').slice(1).join('.')}`)),
        (left, client, right) => {
          fc.pre(!client.startsWith('10.') && !proxies.isTrusted(client));
          const header = [...left.map((text) => text.replaceAll(',', '')), client, ...right].join(',');
          fc.pre(header.length <= 1024);
          expect(proxies.behindProxy(header)).toBe(client);
        },
      ),
    );
  });
});

describe('addresses and networks are read as everywhere else', () => {
  it.each(ADDRESSES)('a hop %j is %j', (text, spelled) => {
    expect(new ClientIp([]).behindProxy(text)).toBe(spelled);
  });
  it.each(NETWORKS)('a trusted network %j is %j', (text, spelled) => {
    if (spelled === null) expect(() => new ClientIp([text])).toThrow(RangeError);
    else expect(new ClientIp([text]).isTrusted(spelled.split('/')[0] ?? null)).toBe(true);
  });
});

it.each([
  ['::ffff:127.0.0.1', '127.0.0.1'],
  ['127.0.0.1', '127.0.0.1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['::1', '::1'],
  ['', null],
  [undefined, null],
  ['nonsense', null],
])('a peer %s is %s', (peer, ip) => {
  expect(peerIp(peer)).toBe(ip);
});
