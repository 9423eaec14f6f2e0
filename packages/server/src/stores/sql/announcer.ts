/**
 * Tells other handles that something was written: at once, then at most once in 20 ms, however much is written.
 *
 * After the commit and not inside it: PostgreSQL commits transactions with a NOTIFY one after the other. What is lost
 * when a process dies in between is made up for by the readers' polls.
 */

const SPACING_MS = 20;

export class Announcer {
  readonly #send: () => Promise<unknown>;
  #sending: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;
  #wanted = false;
  #isClosed = false;

  /** A failure of `send` is nobody's: the next one, or a poll, makes up for it. */
  constructor(send: () => Promise<unknown>) {
    this.#send = send;
  }

  readonly announce = (): void => {
    if (this.#timer !== null) this.#wanted = true;
    else if (!this.#isClosed) this.#now();
  };

  /** What is still to be told is told first. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#wanted) this.#deliver();
    await this.#sending;
  }

  #now(): void {
    this.#wanted = false;
    this.#deliver();
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#wanted) this.#now();
    }, SPACING_MS);
  }

  #deliver(): void {
    this.#sending = this.#send().catch(() => undefined);
  }
}
