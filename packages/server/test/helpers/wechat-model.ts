/**
 * What the tests know of WeChat: the latest two values of a chain live, the older of them for a grace of 300 s.
 *
 * classic: each issue makes a new value. stable: the same value until its last 300 s, unless forced (at most 20 a day,
 * 30 s apart; closer ones give the running value).
 */

const GRACE_MS = 300_000;

interface Issue {
  readonly value: string;
  readonly expiresAt: number;
  /** When it stops working; own expiry, or the grace after it was replaced, or the moment it was evicted. */
  diesAt: number;
}

export class WeChatModel {
  readonly issues: Record<'classic' | 'stable', Issue[]> = { classic: [], stable: [] };
  secrets = new Set(['secret-1']);
  lifetimeMs = 7_200_000;
  /** Issues asked for and answered by value, per chain. */
  calls = { classic: 0, stable: 0, forced: 0, probe: 0 };
  /** Answer every issue with this errcode. */
  errcode: number | null = null;
  /** Answer every probe with this errcode. */
  probeErrcode: number | null = null;
  #lastForcedAt = Number.NEGATIVE_INFINITY;
  readonly #now: () => number;
  readonly #name: string;

  constructor(now: () => number, name = 'app') {
    this.#now = now;
    this.#name = name;
  }

  classic(secret: string): object {
    this.calls.classic += 1;
    return this.#refused(secret) ?? this.#answer(this.#rotate('classic'));
  }

  stable(secret: string, force: boolean): object {
    this.calls[force ? 'forced' : 'stable'] += 1;
    const refused = this.#refused(secret);
    if (refused) return refused;
    const now = this.#now();
    const current = this.issues.stable.at(-1);
    const forcing = force && now - this.#lastForcedAt >= 30_000;
    if (forcing) this.#lastForcedAt = now;
    const mustRotate = !current || current.expiresAt - now <= GRACE_MS || forcing;
    return this.#answer(mustRotate ? this.#rotate('stable') : current);
  }

  probe(value: string): object {
    this.calls.probe += 1;
    return { errcode: this.probeErrcode ?? this.check(value) };
  }

  /** 0 accepted, 42001 outlived, 40001 replaced or unknown. */
  check(value: string): number {
    const issue = [...this.issues.classic, ...this.issues.stable].find((one) => one.value === value);
    if (!issue) return 40001;
    if (this.#now() >= issue.expiresAt) return 42001;
    return this.#now() < issue.diesAt ? 0 : 40001;
  }

  accepts(value: string): boolean {
    return this.check(value) === 0;
  }

  /** Until when a value works, if nobody issues any more. */
  diesAt(value: string): number {
    return [...this.issues.classic, ...this.issues.stable].find((one) => one.value === value)?.diesAt ?? 0;
  }

  /** Somebody else fetches. */
  rogue(chain: 'classic' | 'stable'): string {
    return this.#rotate(chain).value;
  }

  /** WeChat drops a value before its time. */
  revoke(value: string): void {
    for (const issue of [...this.issues.classic, ...this.issues.stable]) if (issue.value === value) issue.diesAt = this.#now();
  }

  #rotate(chain: 'classic' | 'stable'): Issue {
    const issues = this.issues[chain];
    const now = this.#now();
    const current = issues.at(-1);
    const before = issues.at(-2);
    if (before) before.diesAt = Math.min(before.diesAt, now);
    if (current) current.diesAt = Math.min(current.diesAt, now + GRACE_MS);
    const expiresAt = now + this.lifetimeMs;
    const issue = { value: `${this.#name}-${chain}-${issues.length + 1}`, expiresAt, diesAt: expiresAt };
    issues.push(issue);
    return issue;
  }

  #refused(secret: string): object | null {
    if (!this.secrets.has(secret)) return { errcode: 40125, errmsg: 'invalid appsecret' };
    return this.errcode === null ? null : { errcode: this.errcode, errmsg: 'as told' };
  }

  #answer(issue: Issue): object {
    return { access_token: issue.value, expires_in: Math.floor((issue.expiresAt - this.#now()) / 1000) };
  }
}
