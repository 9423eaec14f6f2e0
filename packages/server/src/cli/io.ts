/**
 * What a command may touch of the world: its streams, the environment, the terminal, signals.
 *
 * A command never reaches for `process`: tests give it another world.
 */

export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Standard output: the result, nothing else. */
  out(text: string): void;
  /** Standard error: what people read beside it. */
  err(text: string): void;
  readonly outIsTerminal: boolean;
  /** Somebody sits there to answer a prompt. */
  readonly canPrompt: boolean;
  /** Asks for a line without showing what is typed. Rejects when the person gives up. */
  promptHidden(question: string): Promise<string>;
  /** All of standard input as text; at most 64 KiB. */
  readInput(): Promise<string>;
  /** Calls `handler` for each SIGINT and SIGTERM, and `onHangup` for each SIGHUP, until the returned function is called. */
  onSignals(handler: () => void, onHangup?: () => void): () => void;
  /** Monotonic ms. */
  now(): number;
  /** Sends to the server that the environment names. */
  fetch(request: Request): Promise<Response>;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** Exit codes, as the contract has them. */
export const DONE = 0;
export const FAILED = 1;
export const WRONG_USAGE = 2;
export const WRONG_CONFIG = 3;
