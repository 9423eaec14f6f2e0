/**
 * What WeChat made, account by account, in order: the wire's rows and WeChat's own word on each value put together.
 *
 * A value that no caller ever saw is *lost*: its node died, or could not store it. One that was stored and replaced before
 * anybody read it looks the same, so as many are taken for stored as the store has generations that nobody saw.
 */

/** What was made this shortly before the callers ended nobody may have read any more, ms. */
const LAST_MS = 5000;

/**
 * Account → `[{ value, node, sentAt, answeredAt, issuedAt, validUntil, handedOut }]` in the order of issue.
 * `tokens`: value → what the simulator says of it.
 */
export function chronicle({ accounts, issues, reads, tokens, endedAt }) {
  const handedOut = new Set(reads.map(({ value }) => value));
  const byAccount = new Map(accounts.map(({ id }) => [id, new Map()]));
  for (const { account, value, ...how } of issues) {
    const made = byAccount.get(account);
    // A stable token that is given again is no issue.
    if (made.has(value) || (how.answeredAt > endedAt - LAST_MS && !handedOut.has(value))) continue;
    const { issued_at: issuedAt, valid_until: validUntil } = tokens.get(value);
    made.set(value, { value, ...how, issuedAt, validUntil, handedOut: handedOut.has(value) });
  }
  return new Map([...byAccount].map(([account, made]) => [account, [...made.values()].sort((a, b) => a.issuedAt - b.issuedAt)]));
}

/** Account → generation → the values that were handed out under that number. */
export function generations(reads) {
  const byAccount = new Map();
  for (const { account, generation, value } of reads) {
    if (generation === null) continue;
    let known = byAccount.get(account);
    if (!known) byAccount.set(account, (known = new Map()));
    const values = known.get(generation);
    if (values) values.add(value);
    else known.set(generation, new Set([value]));
  }
  return byAccount;
}

/** Long enough to find it in a log, short enough to be no secret. */
export const short = (value) => `…${value.slice(-6)}`;

/** Milliseconds of the run, for people. */
export const clock = (at, startedAt) => `${((at - startedAt) / 1000).toFixed(1)} s`;
