/** A record goes into its document and comes back the same; its values are sealed in, bound to their place. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeRecord, encodeRecord } from '../../../src/core/codec.ts';
import { plainSeal } from '../../helpers/plain.ts';
import { anyRecord, ID, record } from './records.ts';

test('round trip', () => {
  fc.assert(
    fc.property(anyRecord, (one) => {
      expect(decodeRecord(ID, encodeRecord(one, plainSeal), plainSeal)).toEqual(one);
    }),
  );
});

test('a document moved to another account, kind or chain does not open', () => {
  const body = encodeRecord(record(), plainSeal);
  for (const place of [{ account: 'other' }, { kind: 'jsapi_ticket' }, { chain: 'stable' }]) {
    expect(() => decodeRecord({ ...ID, ...place }, body, plainSeal)).toThrow(expect.objectContaining({ code: 'unseal_failed' }));
  }
});

test('a value moved to another generation does not open', () => {
  const { generation, ...rest } = JSON.parse(encodeRecord(record(), plainSeal)) as { generation: number };
  expect(() => decodeRecord(ID, JSON.stringify({ generation: generation + 1, ...rest }), plainSeal)).toThrow(
    expect.objectContaining({ code: 'unseal_failed' }),
  );
});

test('a document of a later format is refused, not guessed at', () => {
  const body = JSON.stringify({ ...JSON.parse(encodeRecord(record(), plainSeal)), format: 2 });
  expect(() => decodeRecord(ID, body, plainSeal)).toThrow(expect.objectContaining({ code: 'internal' }));
});

test('no value stands in the document in plain', () => {
  const blind = { seal: () => 'sealed', open: () => 'opened' };
  const secret = 'a-very-secret-value';
  const one = record({ current: { value: secret, fingerprint: 'f', issuedAt: 1, expiresAt: 2 } });
  const two = { ...one, previous: { value: secret, fingerprint: 'f', issuedAt: 1, expiresAt: 2, diesAt: 3 } };
  expect(encodeRecord(two, blind)).not.toContain(secret);
});
