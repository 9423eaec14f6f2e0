/**
 * A third party that knows the AppSecret and fetches on its own, as a forgotten cron job does. It goes
 * through the same rules as anybody (rotation, stable window, force spacing) and uses the same quota,
 * but is never refused by it and is counted apart.
 */
import { STABLE_PATH, stableIssue, TOKEN_PATH } from '../endpoints/token.ts';
import type { Account } from '../state/account.ts';
import type { ChainName } from '../state/chain.ts';
import type { World } from '../world.ts';

/** The token that the third party got; null when the stable rule refused its force. */
export function rogueFetch(world: World, account: Account, chain: ChainName, force: boolean): string | null {
  const now = world.clock.now();
  const path = chain === 'classic' ? TOKEN_PATH : STABLE_PATH;
  account.quota.use(path, now, world.knobs.dayOffsetMinutes);
  if (chain === 'classic') {
    account.counters.issue(path, 'rogue');
    return world.issuer.issueToken(account, chain, now, world.knobs).token.value;
  }
  const outcome = stableIssue(world, account, now, force, {});
  if (typeof outcome === 'number') return null;
  if (outcome.issued) account.counters.issue(path, 'rogue');
  return outcome.value;
}
