/**
 * What a test asks the referee afterwards: how many calls, how many real issues, how many refusals.
 * Plain numbers in maps that are only made when first needed; they never influence an answer.
 */
export interface CallCount {
  total: number;
  readonly errors: Map<number, number>;
}

/** `normal` and `forced` came through the endpoint; `rogue` are a simulated third party's. */
export interface IssueCount {
  normal: number;
  forced: number;
  rogue: number;
}

export interface CountersView {
  /** Real issues per endpoint path: asked for, forced, by a rogue. A repeated stable token is none. */
  issues: Record<string, IssueCount>;
  calls: Record<string, { total: number; errors: Record<string, number> }>;
  /** Calls with an access_token: success, and refusals by errcode. */
  business: { accepted: number; rejected: Record<string, number> };
}

export class Counters {
  readonly calls = new Map<string, CallCount>();
  readonly issues = new Map<string, IssueCount>();
  /** Calls made with an access_token: those answered with success, and the others by errcode. */
  businessAccepted = 0;
  readonly businessRejected = new Map<number, number>();

  call(path: string, errcode: number): void {
    let count = this.calls.get(path);
    if (!count) {
      count = { total: 0, errors: new Map() };
      this.calls.set(path, count);
    }
    count.total++;
    if (errcode !== 0) bump(count.errors, errcode);
  }

  business(errcode: number): void {
    if (errcode === 0) this.businessAccepted++;
    else bump(this.businessRejected, errcode);
  }

  issue(path: string, how: keyof IssueCount): void {
    let count = this.issues.get(path);
    if (!count) {
      count = { normal: 0, forced: 0, rogue: 0 };
      this.issues.set(path, count);
    }
    count[how]++;
  }

  view(): CountersView {
    const calls: CountersView['calls'] = {};
    for (const [path, { total, errors }] of this.calls) calls[path] = { total, errors: Object.fromEntries(errors) };
    return {
      issues: Object.fromEntries([...this.issues].map(([path, count]) => [path, { ...count }])),
      calls,
      business: { accepted: this.businessAccepted, rejected: Object.fromEntries(this.businessRejected) },
    };
  }
}

function bump(map: Map<number, number>, key: number): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}
