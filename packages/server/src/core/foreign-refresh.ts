/**
 * How it shows that somebody else fetches a credential that is kept here, and what to do then. The log, the alarm and
 * the status say the same.
 *
 * In the classic chain every fetch replaces the token, so moving to the stable one helps at once; who is there already
 * is not told to go there.
 */

import type { CredentialRecord } from './credential.ts';
import type { Bilingual } from './failure.ts';
import type { RefreshPolicy } from './policy.ts';
import { usable } from './schedule.ts';

/** A stable value this much before its hand-over cannot have changed by itself. */
const HAND_OVER_TOLERANCE_MS = 5000;

const FIND_IT: Bilingual = {
  en: 'Find who else calls WeChat for this AppID (an old service, a test environment, an SDK with the AppSecret) and let it ask Zhongkong instead.',
  zh: '请找出还有谁在用这个 AppID 直接向微信取 token（旧服务、测试环境、配置了 AppSecret 的 SDK），改为从中控获取。',
};
const MOVE_OVER: Bilingual = {
  en: 'Until then, stable mode keeps others from invalidating the token.',
  zh: '在此之前可将账号改用稳定版（stable），避免互相顶掉 token。',
};

/** By the chain's name. */
export const foreignRefreshAdvice = (chain: string): Bilingual =>
  chain === 'classic' ? { en: `${FIND_IT.en} ${MOVE_OVER.en}`, zh: `${FIND_IT.zh}${MOVE_OVER.zh}` } : FIND_IT;

/** Asked for no change and got one long before the hand-over: only another fetcher can have made it. */
export function changedEarly(before: CredentialRecord, policy: RefreshPolicy, sentAt: number): boolean {
  if (policy.type !== 'stable-window' || before.current === null || !usable(before, sentAt)) return false;
  const handOverAt = before.current.expiresAt - policy.windowMs;
  return sentAt < handOverAt - HAND_OVER_TOLERANCE_MS && before.unknownOutcomes === 0 && before.probeAt === null;
}
