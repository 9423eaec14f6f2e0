/**
 * The closed set of errors the product raises.
 *
 * A code is stable, snake_case, and part of the wire contract: callers switch on it, never on the text.
 * The message says what happened, `advice` what to do about it; neither may ever contain a secret.
 */

import type { Bilingual } from './failure.ts';
import type { StoreTrouble } from './store-trouble.ts';

/** Every code, with the English and Chinese advice an operator or caller reads. */
export const ERROR_ADVICE = {
  invalid_request: {
    en: 'Correct what the message names and try again.',
    zh: '请按提示修正后重试。',
  },
  unauthorized: {
    en: 'Send a valid API key as "Authorization: Bearer zk_…". It may be mistyped, revoked or expired.',
    zh: '请以 “Authorization: Bearer zk_…” 携带有效的 API key；当前的 key 可能写错、已吊销或已过期。',
  },
  forbidden: {
    en: 'This key lacks the scope; ask an operator for one that has it.',
    zh: '这个 key 没有所需的权限（scope），请向运维者申请。',
  },
  ip_not_allowed: {
    en: 'Call from an address the key allows, or have its CIDRs changed. Behind a proxy, set trustedProxies.',
    zh: '请从 key 允许的 IP 调用，或修改 key 的 CIDR；经过反向代理时请配置 trustedProxies。',
  },
  not_found: {
    en: 'Check the path, the account id and the credential kind. A key sees only the accounts it was given.',
    zh: '请核对路径、账号 id 和凭据种类；key 只能看到授权给它的账号。',
  },
  method_not_allowed: {
    en: 'Use one of the methods in the Allow header.',
    zh: '请使用 Allow 头里列出的方法。',
  },
  payload_too_large: { en: 'Send a smaller body.', zh: '请求体过大，请缩小。' },
  unsupported_media_type: {
    en: 'Send JSON with Content-Type: application/json.',
    zh: '请以 Content-Type: application/json 发送 JSON。',
  },
  conflict: {
    en: 'Something with this identity exists already, or it changed meanwhile: read it again and retry.',
    zh: '同名对象已存在，或在此期间被修改：请重新读取后再试。',
  },
  rate_limited: { en: 'Slow down; retry after the given time.', zh: '调用过快，请在 retry_after 之后重试。' },
  not_available: {
    en: 'This server does not offer this yet.',
    zh: '当前版本尚未提供此功能。',
  },
  account_disabled: {
    en: 'Enable the account first.',
    zh: '账号已停用，请先启用。',
  },
  credential_unavailable: {
    en: 'No usable credential and WeChat did not give one; see errcode, and "zhongkong doctor" for the cause.',
    zh: '没有可用凭据，且微信没有签发新的；请看 errcode，并用 “zhongkong doctor” 查原因。',
  },
  refresh_budget_exhausted: {
    en: "Today's budget of upstream issues is used up or the spacing is too short; the current credential goes on.",
    zh: '今日签发额度已用完，或两次强制签发间隔太短；当前凭据继续使用。',
  },
  deadline_exceeded: {
    en: 'The answer did not come in time; the work goes on, retry shortly.',
    zh: '未能在时限内完成；后台仍在继续，请稍后重试。',
  },
  issuing_suspended: {
    en: 'This store is a copy that was not activated, or was moved to another: see the server\'s log and "zhongkong doctor".',
    zh: '此存储是尚未激活的副本，或已迁移到别处；请查看服务日志，并用 “zhongkong doctor” 检查。',
  },
  store_unavailable: {
    en: 'The store does not answer; check that it runs, is reachable and writable.',
    zh: '存储没有响应；请检查它是否在运行、可连接、可写。',
  },
  unseal_failed: {
    en: 'Stored secrets cannot be opened with this master key; start with the key they were sealed with.',
    zh: '无法用当前主密钥解开已存储的秘密；请使用当初加密时的主密钥启动。',
  },
  config_invalid: {
    en: 'Correct the option that the message names and start again.',
    zh: '请修改报错中指出的配置项后重新启动。',
  },
  internal: {
    en: 'A fault of ours; the log has the cause under this request id.',
    zh: '服务内部错误；请凭 request id 查日志。',
  },
} as const satisfies Record<string, Bilingual>;

export type ErrorCode = keyof typeof ERROR_ADVICE;

/** What WeChat itself said, when an error goes back to an answer of WeChat's. */
export interface UpstreamDetail {
  readonly errcode?: number;
  readonly errmsg?: string;
  readonly rid?: string;
}

export interface ErrorDetails extends UpstreamDetail {
  /** Whole seconds after which trying again can help. */
  readonly retryAfterSeconds?: number;
  /** With `store_unavailable`: which trouble it is. */
  readonly trouble?: StoreTrouble;
  /** Overrides the table's advice when the cause is known more exactly. */
  readonly advice?: Bilingual;
  readonly cause?: unknown;
}

/** The one error class that crosses module boundaries. */
export class ZhongkongError extends Error {
  override readonly name = 'ZhongkongError';
  readonly code: ErrorCode;
  readonly details: Omit<ErrorDetails, 'cause'>;
  /** The message for people; both languages where an operator meets it at the start, else English in both. */
  readonly text: Bilingual;

  /** `message` in English alone, or in both languages; logs and the wire have the English one. */
  constructor(code: ErrorCode, message: string | Bilingual, details: ErrorDetails = {}) {
    const { cause, ...rest } = details;
    const text = typeof message === 'string' ? { en: message, zh: message } : message;
    super(text.en, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = rest;
    this.text = text;
  }

  get advice(): Bilingual {
    return this.details.advice ?? ERROR_ADVICE[this.code];
  }
}

/** Narrow an unknown thrown value; anything that is not ours becomes `internal`, its cause kept for the log. */
export function asZhongkongError(thrown: unknown): ZhongkongError {
  if (thrown instanceof ZhongkongError) return thrown;
  return new ZhongkongError('internal', 'internal error', { cause: thrown });
}
