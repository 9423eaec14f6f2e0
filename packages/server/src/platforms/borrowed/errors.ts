/**
 * What a lender's refusal means: it speaks in WeChat's codes, of its own API key and account, or passes WeChat's on.
 *
 * Its own refusals are mended there or by another key, and asking is free, so nothing waits longer than a minute.
 */

import type { Bilingual, FailureClass, UpstreamFailure } from '../../core/failure.ts';
import type { TokenFailures } from '../wechat/access-token.ts';
import { egressIpOf } from '../wechat/errmsg.ts';
import { nonsenseFailure, wechatFailure } from '../wechat/reply.ts';

export const KEY_REFUSED = 40125;

const RETRY_WITHIN_MS = 60_000;

interface LenderRow {
  readonly class: FailureClass;
  /** `{ip}` stands for the address that the refusal names. */
  readonly advice: Bilingual;
}

const ROWS: Readonly<Record<number, LenderRow>> = {
  [-1]: {
    class: 'transient',
    advice: {
      en: 'The lender has nothing to lend right now. Look there: "zhongkong doctor" and its status tell why.',
      zh: '出借方暂时没有可借的凭据，请到出借方查看：用 “zhongkong doctor” 或状态页可知原因。',
    },
  },
  [KEY_REFUSED]: {
    class: 'config',
    advice: {
      en: 'The lender does not accept this API key: mistyped, revoked or expired. Make one there (scope credential:read, this account, not sealed) and set it here with "zhongkong account secret". If the key is good, WeChat refuses the lender\'s own AppSecret: see its status.',
      zh: '出借方不接受这个 API key：可能写错、已吊销或已过期。请在出借方新建 key（权限 credential:read，仅限该账号，不封装），再在这里用 “zhongkong account secret” 更新。若 key 无误，则是微信不接受出借方的 AppSecret，请查看出借方的状态。',
    },
  },
  40013: {
    class: 'config',
    advice: {
      en: 'The lender does not keep this AppID, or the key is not allowed to see it. Compare the AppID, and give the key this account at the lender.',
      zh: '出借方没有这个 AppID，或这个 key 无权访问它。请核对 AppID，并在出借方把该账号授权给这个 key。',
    },
  },
  40164: {
    class: 'network-acl',
    advice: {
      en: 'The address {ip} is refused. Is it this server as the lender sees it: add it to the CIDRs of the key there. Is it the lender: add it to the IP whitelist at WeChat.',
      zh: '地址 {ip} 被拒绝。若它是出借方看到的本服务地址，请在出借方把它加入这个 key 的 CIDR；若它是出借方自己的出口 IP，请加入微信的 IP 白名单。',
    },
  },
  45009: {
    class: 'rate-minute',
    advice: {
      en: "The key's calls per minute at the lender are used up, or the lender's own quota at WeChat is. Give each borrower a key of its own, or raise its limit.",
      zh: '这个 key 在出借方的每分钟调用次数已用完，或出借方在微信的额度已用完。请为每个借用方单独创建 key，或调高上限。',
    },
  },
  48001: {
    class: 'config',
    advice: {
      en: 'The key lacks the scope credential:read at the lender, or gets sealed tokens only. Make one with that scope that is not sealed.',
      zh: '这个 key 在出借方没有 credential:read 权限，或只能获取封装令牌。请新建一个有此权限且不封装的 key。',
    },
  },
  50002: {
    class: 'account',
    advice: {
      en: 'The account is disabled at the lender, or limited by WeChat. Look there.',
      zh: '该账号在出借方已停用，或被微信限制。请到出借方查看。',
    },
  },
};

const NOT_A_LENDER: Bilingual = {
  en: 'The answer is not as a Zhongkong makes them. upstreams.borrowed must be the address of the lender itself, without a proxy, gateway or login page that answers in its place.',
  zh: '应答不符合中控的格式。upstreams.borrowed 应为出借方的地址，且中间没有代理、网关或登录页代为应答。',
};

/** A code of WeChat's own that the lender passes on. */
const passedOn = ({ en, zh }: Bilingual): Bilingual => ({
  en: `WeChat refuses the lender. At the lender: ${en}`,
  zh: `微信拒绝了出借方。请在出借方处理：${zh}`,
});

function refused(errcode: number, errmsg: unknown): UpstreamFailure {
  const told = wechatFailure(errcode, errmsg, true);
  const row = ROWS[errcode];
  // A day's quota is the lender's to wait out.
  const failureClass = row?.class ?? (told.class === 'rate-day' ? 'rate-minute' : told.class);
  const advice = row?.advice ?? passedOn(told.advice);
  const ip = (typeof errmsg === 'string' && egressIpOf(errmsg)) || null;
  return {
    class: failureClass,
    errcode,
    message: told.message,
    ...(told.rid === undefined ? {} : { rid: told.rid }),
    advice: { en: advice.en.replaceAll('{ip}', ip ?? 'of the caller'), zh: advice.zh.replaceAll('{ip}', ip ?? '（未知）') },
    retryWithinMs: RETRY_WITHIN_MS,
  };
}

export const lenderFailures: TokenFailures = { refused, nonsense: (why) => nonsenseFailure(why, NOT_A_LENDER) };
