/** Which modes and owners leave a secret to its owner, and which were handed over by root. */

import { describe, expect, it } from 'vitest';
import { isOpenToOthers, modeText } from '../../../src/adapters/secret-file.ts';

const US = 1000;
const REGULAR = 0o100_000;
const open = (mode: number, owner: number, we?: number) => isOpenToOthers({ mode: REGULAR | mode, uid: owner }, we);

describe('a secret file', () => {
  it.each([0o600, 0o400])('of our own, mode %o, is closed', (mode) => expect(open(mode, US, US)).toBe(false));

  it.each([0o640, 0o440, 0o620, 0o610, 0o604, 0o601])('of our own, mode %o, is open', (mode) => expect(open(mode, US, US)).toBe(true));

  it.each([0o640, 0o440, 0o400])('of root, mode %o, was handed to us', (mode) => expect(open(mode, 0, US)).toBe(false));

  it.each([0o660, 0o450, 0o444, 0o644])('of root, mode %o, is open all the same', (mode) => expect(open(mode, 0, US)).toBe(true));

  it('of root is nothing handed over when root asks', () => expect(open(0o440, 0, 0)).toBe(true));

  it('of another user than root is open to the group that reads it', () => expect(open(0o440, 1001, US)).toBe(true));

  it('shows its mode as chmod takes it', () => expect(modeText(REGULAR | 0o640)).toBe('0640'));
});
