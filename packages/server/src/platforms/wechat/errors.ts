/**
 * WeChat's error table, and what a code means: one lookup for failures of our own, for callers and for people.
 *
 * A code that nobody has described is `rejected`: it passes through and never makes us refresh.
 */

import type { Bilingual, FailureClass } from '../../core/failure.ts';
import type { WechatErrorRow } from './error-row.ts';
import { CREDENTIAL_ROWS } from './error-rows.ts';
import { REJECTED_ROWS } from './error-rows-rejected.ts';

export const WECHAT_ERRORS: readonly WechatErrorRow[] = [...CREDENTIAL_ROWS, ...REJECTED_ROWS];

const BY_CODE = new Map(WECHAT_ERRORS.filter((row) => row.until === undefined).map((row) => [row.code, row]));
const FAMILIES = WECHAT_ERRORS.filter((row) => row.until !== undefined);

const UNKNOWN_ADVICE = {
  en: "This code is not in our table. Look it up in WeChat's documentation, or give its rid to the diagnosis tool at developers.weixin.qq.com (within 7 days).",
  zh: '错误码表中没有此码。请查阅微信官方文档，或在 7 天内用 rid 到微信开发者平台的「API 报错诊断」工具查询。',
};

export interface WechatErrorContext {
  /** It answers a request for a credential, not a call made with one. Default false. */
  readonly issuing?: boolean;
  /** The address that WeChat saw, to be named in the advice. */
  readonly egressIp?: string | null;
}

export interface WechatExplanation {
  readonly errcode: number;
  /** The official wording, or null for a code that is not in the table. */
  readonly text: string | null;
  readonly class: FailureClass;
  readonly advice: Bilingual;
  /** Shortest wait that the code itself asks for, ms. */
  readonly retryAfterMs?: number;
}

/** What a code other than 0 means and what to do about it. */
export function explainWechat(errcode: number, { issuing = false, egressIp = null }: WechatErrorContext = {}): WechatExplanation {
  const row = BY_CODE.get(errcode) ?? FAMILIES.find(({ code, until = code }) => errcode >= code && errcode <= until);
  if (!row) return { errcode, text: null, class: 'rejected', advice: UNKNOWN_ADVICE };
  const meaning = (issuing && row.issuing) || row;
  return {
    errcode,
    text: row.text,
    class: meaning.class,
    advice: {
      en: meaning.advice.en.replaceAll('{ip}', egressIp ?? 'the egress IP of this server'),
      zh: meaning.advice.zh.replaceAll('{ip}', egressIp ?? '本服务的出口 IP'),
    },
    ...(row.retryAfterMs === undefined ? {} : { retryAfterMs: row.retryAfterMs }),
  };
}
