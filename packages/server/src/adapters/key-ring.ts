/**
 * The master keys that this process knows: one of them seals, all of them open.
 *
 * Which one seals is not the ring's to decide: it is what the store says, so that all processes change together. A key
 * that is not known may have been added where the keys come from, so the ring looks there once more before it says so.
 */

import { deriveKey, masterKeyCheck, masterKeyId } from './master-key.ts';

interface Known {
  readonly id: string;
  readonly check: string;
  readonly master: Buffer;
  /** What seals and opens. */
  readonly sealing: Buffer;
}

const known = (master: Buffer): Known => ({
  id: masterKeyId(master),
  check: masterKeyCheck(master),
  master,
  sealing: deriveKey(master, 'seal'),
});

export class KeyRing {
  readonly #keys = new Map<string, Known>();
  readonly #readAgain: () => readonly Buffer[];
  /** The first one given: the key to seal with from the next rotation on. */
  readonly first: Known;
  #current: Known;

  /** The first of `keys` seals until `use`. `readAgain` gives the keys as their source has them now. */
  constructor(keys: readonly [Buffer, ...Buffer[]], readAgain: () => readonly Buffer[] = () => []) {
    this.#readAgain = readAgain;
    this.first = known(keys[0]);
    this.#keys.set(this.first.id, this.first);
    this.#current = this.first;
    this.#add(keys);
  }

  /** All that it knows, without looking for more. */
  get known(): readonly Known[] {
    return [...this.#keys.values()];
  }

  /** The key that seals. */
  get current(): Known {
    return this.#current;
  }

  /** The key of this id, which stands in sealed texts. */
  byId(id: string): Known | undefined {
    return this.#find((key) => key.id === id);
  }

  /** The key of this check value, which stands in the store. */
  byCheck(check: string): Known | undefined {
    return this.#find((key) => key.check === check);
  }

  /** Seal with the key of this check value from now on. False, and nothing changed, when it is not known. */
  use(check: string): boolean {
    const key = this.byCheck(check);
    if (key) this.#current = key;
    return key !== undefined;
  }

  #find(wanted: (key: Known) => boolean): Known | undefined {
    const find = () => this.known.find(wanted);
    const found = find();
    if (found) return found;
    this.#add(this.#readAgain());
    return find();
  }

  #add(keys: readonly Buffer[]): void {
    for (const master of keys) if (!this.#keys.has(masterKeyId(master))) this.#keys.set(masterKeyId(master), known(master));
  }
}
