import { expect } from 'vitest';
import { ZhongkongError } from '../../../src/core/errors.ts';

/** The key that is refused unless another is named. */
export const KEY = Buffer.alloc(32, 7);

/** The message of a refused master key: checked to be `config_invalid`, one line, with advice, and free of the key. */
export function refusal(act: () => unknown, secret = KEY.toString('base64')): string {
  try {
    act();
  } catch (error) {
    if (!(error instanceof ZhongkongError)) throw error;
    expect(error.code).toBe('config_invalid');
    expect(error.message).not.toMatch(/\n/);
    expect(error.details.advice?.en).toBeTruthy();
    expect(error.details.advice?.zh).toMatch(/[\u4e00-\u9fff]/);
    expect(`${error.message} ${JSON.stringify(error.details)}`).not.toContain(secret);
    return error.message;
  }
  return expect.unreachable('it was accepted');
}
