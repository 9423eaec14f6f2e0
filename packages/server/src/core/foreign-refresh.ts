/**
 * What to do when somebody else fetches a credential that is kept here. The log, the alarm and the status say the same.
 *
 * In the classic chain every fetch replaces the token, so moving to the stable one helps at once; who is there already
 * is not told to go there.
 */

import type { Bilingual } from './failure.ts';

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
