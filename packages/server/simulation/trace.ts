/** What happened in a run, for people: one line per event, kept only when somebody will read it. */

export interface Trace {
  readonly on: boolean;
  line(who: string, what: string): void;
}

export const silent: Trace = { on: false, line: () => undefined };

const two = (number: number): string => String(number).padStart(2, '0');

/** Virtual ms as `h:mm:ss.mmm`. */
export function clockText(ms: number): string {
  const whole = Math.floor(ms);
  const seconds = Math.floor(whole / 1000);
  const hours = Math.floor(seconds / 3600);
  return `${hours}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${String(whole % 1000).padStart(3, '0')}`;
}

export function traceTo(write: (line: string) => void, now: () => number): Trace {
  return { on: true, line: (who, what) => write(`${clockText(now()).padStart(12)}  ${who.padEnd(8)} ${what}`) };
}
