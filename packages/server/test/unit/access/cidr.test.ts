import { describe, expect, test } from 'vitest';
import { CidrList, normaliseIp, parseCidr } from '../../../src/access/cidr.ts';
import { ADDRESSES, NETWORKS } from './ip-spellings.ts';

describe('networks', () => {
  test.each([
    ['10.0.0.0/8', '10.255.1.2', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['::ffff:10.0.0.0/104', '::ffff:11.1.2.3', false],
    ['2001:db8::/32', '2001:db8:1::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['2001:db8::1', '2001:0db8:0:0:0:0:0:1', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['::/0', '10.0.0.1', false],
    ['0.0.0.0/0', 'not an address', false],
    ['0.0.0.0/0', '', false],
    ['0.0.0.0/0', '0x7f.1', false],
  ])('%s contains %s: %s', (network, ip, expected) => {
    const list = new CidrList([network]);
    expect(list.contains(ip)).toBe(expected);
    // The second answer comes from memory.
    expect(list.contains(ip)).toBe(expected);
  });

  test.each(NETWORKS)('%j is %j', (text, spelled) => {
    expect(parseCidr(text)).toBe(spelled);
    if (spelled === null) expect(() => new CidrList([text])).toThrow(RangeError);
    else expect(new CidrList([text]).contains(spelled.split('/')[0] ?? '')).toBe(true);
  });

  test.each(ADDRESSES)('the address %j is %j', (text, spelled) => {
    expect(normaliseIp(text)).toBe(spelled);
    expect(new CidrList(['0.0.0.0/0', '::/0']).contains(text)).toBe(spelled !== null);
    expect(parseCidr(text)?.split('/')[0] ?? null).toBe(spelled);
  });
});
