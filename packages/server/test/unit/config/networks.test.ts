// Networks in the configuration are taken exactly when those who use them can read them.
import { expect, it } from 'vitest';
import { CidrList } from '../../../src/access/cidr.ts';
import { cidr } from '../../../src/config/formats.ts';
import { ADDRESSES, NETWORKS } from '../access/ip-spellings.ts';

it.each([...NETWORKS, ...ADDRESSES])('%j is %j', (text, spelled) => {
  const { success, data } = cidr().safeParse(text);
  expect(success).toBe(spelled !== null);
  if (spelled !== null) expect(new CidrList([data ?? '']).contains(spelled.split('/')[0] ?? '')).toBe(true);
});
