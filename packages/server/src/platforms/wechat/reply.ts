/**
 * Reads WeChat's answers: a JSON object that WeChat decided, or nonsense from somewhere on the way.
 *
 * Invariant: never throws, whatever the bytes; what is not exactly as documented is said to be so, never mended.
 */

import type { Bilingual, UpstreamFailure } from '../../core/failure.ts';
import type { UpstreamReply } from '../../core/upstream.ts';
import { cleaned, egressIpOf, ridOf } from './errmsg.ts';
import { explainWechat } from './errors.ts';

export type WechatReply =
  | { readonly form: 'success'; readonly body: Readonly<Record<string, unknown>> }
  | { readonly form: 'error'; readonly errcode: number; readonly body: Readonly<Record<string, unknown>> }
  /** Not an answer of WeChat's making: nobody knows what WeChat did. */
  | { readonly form: 'nonsense'; readonly why: string };

const NONSENSE_ADVICE: Bilingual = {
  en: 'The answer is not as WeChat makes them. Look for a proxy, gateway or login page on the way (egressProxy, upstreams.wechat); "zhongkong doctor" shows what arrives.',
  zh: '应答不符合微信的格式。请检查中间是否有代理、网关或登录页（egressProxy、upstreams.wechat 配置），可用 “zhongkong doctor” 查看实际收到的内容。',
};

/** The fields that decide, each at most once: readers differ on which of two counts. */
const DECISIVE = /(?<!\\)"(errcode|access_token|expires_in)"\s*:/g;

const nonsense = (why: string): WechatReply => ({ form: 'nonsense', why });

/** Business answers come with HTTP 200, errors too; success has no errcode, or 0. */
export function readReply({ status, text }: UpstreamReply): WechatReply {
  if (status !== 200) return nonsense(`HTTP ${status}`);
  if (text.trim() === '') return nonsense('an empty answer');
  if (/^\s*</.test(text)) return nonsense('HTML instead of JSON');
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return nonsense('no JSON, or JSON cut short');
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return nonsense('JSON, but no object');
  const names = [...text.matchAll(DECISIVE)].map(([, name]) => name);
  if (new Set(names).size !== names.length) return nonsense('a field that is there twice');
  const fields = body as Readonly<Record<string, unknown>>;
  const { errcode } = fields;
  if (errcode === undefined || errcode === 0) return { form: 'success', body: fields };
  if (!Number.isSafeInteger(errcode)) return nonsense('an errcode that is no whole number');
  return { form: 'error', errcode: errcode as number, body: fields };
}

/** The failure behind an errcode; `issuing` when a credential was asked for. */
export function wechatFailure(errcode: number, errmsg: unknown, issuing: boolean): UpstreamFailure {
  const words = typeof errmsg === 'string' ? errmsg : '';
  const explanation = explainWechat(errcode, { issuing });
  const egressIp = explanation.class === 'network-acl' || explanation.class === 'admin' ? egressIpOf(words) : null;
  const { class: failureClass, advice, retryAfterMs, text } = explainWechat(errcode, { issuing, egressIp });
  const rid = ridOf(words);
  return {
    class: failureClass,
    errcode,
    message: cleaned(words) || (text ?? `errcode ${errcode}`),
    advice,
    ...(rid === null ? {} : { rid }),
    ...(egressIp === null ? {} : { egressIp }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** The failure behind an answer that nobody can use. `why` must not quote the answer. */
export function nonsenseFailure(why: string, advice: Bilingual = NONSENSE_ADVICE): UpstreamFailure {
  return { class: 'transient', message: `unusable answer: ${why}`, advice };
}
