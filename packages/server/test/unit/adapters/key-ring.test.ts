// Which master key seals, which open, and when the ring looks for more.
import { expect, test } from 'vitest';
import { KeyRing } from '../../../src/adapters/key-ring.ts';
import { masterKeyCheck, masterKeyId } from '../../../src/adapters/master-key.ts';
import { createSeal } from '../../../src/adapters/seal.ts';
import { resealed } from '../../../src/core/seal.ts';

const [ONE, TWO, THREE] = [1, 2, 3].map((byte) => Buffer.alloc(32, byte)) as [Buffer, Buffer, Buffer];

test('the first seals until another is used, and all open', () => {
  const ring = new KeyRing([ONE, TWO]);
  const seal = createSeal(ring);
  const former = seal.seal('x', 'c');
  expect(former).toContain(masterKeyId(ONE));
  expect(ring.use(masterKeyCheck(TWO))).toBe(true);
  const later = seal.seal('y', 'c');
  expect(later).toContain(masterKeyId(TWO));
  expect([seal.open(former, 'c'), seal.open(later, 'c')]).toEqual(['x', 'y']);
  expect([seal.isCurrent(former), seal.isCurrent(later)]).toEqual([false, true]);
  expect(seal.open(resealed(seal, former, 'c'), 'c')).toBe('x');
  expect(seal.isCurrent(resealed(seal, former, 'c'))).toBe(true);
  expect(resealed(seal, later, 'c')).toBe(later);
});

test('a key that was added where they come from is found when it is needed, and not looked for before', () => {
  let looks = 0;
  let there: readonly Buffer[] = [ONE];
  const ring = new KeyRing([ONE], () => {
    looks += 1;
    return there;
  });
  const seal = createSeal(ring);
  const foreign = createSeal(new KeyRing([TWO])).seal('x', 'c');
  expect(seal.open(seal.seal('own', 'c'), 'c')).toBe('own');
  expect(looks).toBe(0);
  expect(() => seal.open(foreign, 'c')).toThrow(`sealed under master key ${masterKeyId(TWO)}, which is not given`);
  there = [TWO, ONE];
  expect(seal.open(foreign, 'c')).toBe('x');
  expect(looks).toBe(2);
  expect(ring.current.id).toBe(masterKeyId(ONE));
});

test('an unknown key is not used, and nothing changes', () => {
  const ring = new KeyRing([ONE, TWO]);
  expect(ring.use(masterKeyCheck(THREE))).toBe(false);
  expect(ring.use('')).toBe(false);
  expect(ring.current.id).toBe(masterKeyId(ONE));
  expect(ring.first.id).toBe(masterKeyId(ONE));
});
