/**
 * One server process as the machine sees it: it can be killed at any await, and stopped and continued like a paused VM.
 *
 * Killed: nothing of it runs any more, its promises never settle, its memory is gone. Frozen: its clock goes on, all
 * that reaches it waits. A trap springs at its next call of some kind, so that faults hit where it hurts.
 */

import type { Clock } from '../src/core/clock.ts';
import type { Owner, Scheduler } from './scheduler.ts';

/** A call through a port: a method of the store, or what is asked of upstream. */
export type CallName = 'read' | 'acquire' | 'claim' | 'write' | 'release' | 'issue' | 'probe' | 'other';

export interface Trap {
  readonly at: CallName;
  /** `before`: nothing has left; `after`: it was done and the answer is on its way. */
  readonly when: 'before' | 'after';
  readonly what: 'crash' | 'pause';
  readonly pauseMs: number;
  /** After the pause, die before the answer is handled. */
  readonly thenCrash: boolean;
}

export interface ProcessHooks {
  readonly crashed: (process: Process) => void;
  readonly froze: (process: Process, ms: number) => void;
}

export class Process implements Owner, Clock {
  readonly name: string;
  readonly number: number;
  dead = false;
  frozenUntil = 0;
  /** When the last freeze began. */
  frozenFrom = 0;
  trap: Trap | null = null;
  /** Cut off from the store, and from WeChat. */
  storeCut = false;
  wechatCut = false;
  /** When its last call to the store failed. */
  storeFailedAt = Number.NEGATIVE_INFINITY;
  /** When the last complete look for others' changes began. */
  knownAt = Number.NEGATIVE_INFINITY;
  /** When the store's time was last asked for, virtual ms. */
  measuredAt = Number.NEGATIVE_INFINITY;
  /** What it last handed out, by account, up to when it had heard of changes, and until when that lived as far as known. */
  readonly handed = new Map<string, { readonly value: string; readonly knownAt: number; readonly until: number }>();
  readonly #scheduler: Scheduler;
  readonly #hooks: ProcessHooks;
  readonly #base: number;
  readonly #rate: number;
  #wallOffset: number;

  constructor(
    scheduler: Scheduler,
    hooks: ProcessHooks,
    at: { name: string; number: number; base: number; rate: number; wallOffset: number },
  ) {
    this.#scheduler = scheduler;
    this.#hooks = hooks;
    this.name = at.name;
    this.number = at.number;
    this.#base = at.base;
    this.#rate = at.rate;
    this.#wallOffset = at.wallOffset;
  }

  monotonic(): number {
    return this.#base + this.#scheduler.now * this.#rate;
  }

  wall(): number {
    return this.#scheduler.now + this.#wallOffset;
  }

  setWall(offset: number): void {
    this.#wallOffset = offset;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      // Once aborted nobody waits: the clock's contract lets such a sleep never settle.
      this.after(ms / this.#rate, () => {
        if (!signal?.aborted) resolve();
      });
    });
  }

  /** `run` when `ms` have gone by, if it is alive then. */
  after(ms: number, run: () => void): void {
    if (!this.dead) this.#scheduler.after(ms, this, run);
  }

  get frozen(): boolean {
    return this.#scheduler.now < this.frozenUntil;
  }

  crash(): void {
    if (this.dead) return;
    this.dead = true;
    this.#hooks.crashed(this);
  }

  freeze(ms: number): void {
    if (!this.frozen) this.frozenFrom = this.#scheduler.now;
    this.frozenUntil = Math.max(this.frozenUntil, this.#scheduler.now + ms);
    this.#hooks.froze(this, ms);
  }

  /** The trap for this call, which is then spent. */
  spring(call: CallName, when: 'before' | 'after'): Trap | null {
    const { trap } = this;
    if (trap === null || trap.at !== call || trap.when !== when) return null;
    this.trap = null;
    return trap;
  }
}

/** What a dead process waits for. */
export const never = <T>(): Promise<T> => new Promise<T>(() => undefined);
