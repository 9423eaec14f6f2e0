/**
 * All chance of a run: one seed, split into named streams so that one part's draws do not move another's.
 *
 * xoshiro128** seeded by splitmix32; integers only inside, so that every machine draws the same.
 */

import type { Random } from '../src/core/random.ts';

export class Dice implements Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number) {
    let state = seed | 0;
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let mixed = state ^ (state >>> 16);
      mixed = Math.imul(mixed, 0x21f0aaad);
      mixed ^= mixed >>> 15;
      mixed = Math.imul(mixed, 0x735a2d97);
      return mixed ^ (mixed >>> 15);
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next() | 1;
  }

  /** The stream of this name: the same for the same seed and name, whatever was drawn before. */
  static stream(seed: number, name: string): Dice {
    return new Dice(Math.imul(seed | 0, 0x85ebca6b) ^ textHash(name));
  }

  #bits(): number {
    const result = Math.imul(rotate(Math.imul(this.#b, 5), 7), 9);
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotate(this.#d, 11);
    return result >>> 0;
  }

  unit(): number {
    return this.#bits() / 4_294_967_296;
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  /** Uniform in [from, to). */
  between(from: number, to: number): number {
    return from + (to - from) * this.unit();
  }

  /** A whole number of from, …, to. */
  whole(from: number, to: number): number {
    return from + (this.#bits() % (to - from + 1));
  }

  /** Long-tailed: mean `mean`, never more than ten times that. */
  around(mean: number): number {
    return Math.min(-Math.log(1 - this.unit()), 10) * mean;
  }

  pick<T>(all: readonly T[]): T {
    const one = all[this.#bits() % all.length];
    if (one === undefined) throw new Error('nothing to pick from');
    return one;
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.#bits() & 255);
  }
}

const rotate = (bits: number, by: number): number => (bits << by) | (bits >>> (32 - by));

/** FNV-1a, 32 bits. */
export function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}
