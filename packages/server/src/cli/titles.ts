/** What each error code means in Chinese: before a detail that is in English alone. */

import type { ErrorCode } from '../core/errors.ts';

const TITLES: Readonly<Record<ErrorCode, string>> = {
  invalid_request: '请求有误',
  unauthorized: 'API key 无效',
  forbidden: 'API key 没有所需权限',
  ip_not_allowed: '不允许从此 IP 调用',
  not_found: '未找到',
  method_not_allowed: '不支持该方法',
  payload_too_large: '请求体过大',
  unsupported_media_type: '请求不是 JSON',
  conflict: '已存在，或已被他人修改',
  rate_limited: '调用过快',
  not_available: '当前版本尚未提供',
  account_disabled: '账号已停用',
  credential_unavailable: '没有可用的凭据',
  refresh_budget_exhausted: '签发额度已用完',
  deadline_exceeded: '未能在时限内完成',
  issuing_suspended: '此存储不签发凭据',
  store_unavailable: '存储不可用',
  unseal_failed: '无法解开存储中的秘密',
  config_invalid: '配置有误',
  internal: '服务内部错误',
};

/** `detail` for a reader of Chinese; as it is when the code is none of ours. */
export function inChinese(code: string | undefined, detail: string): string {
  const title = code !== undefined && Object.hasOwn(TITLES, code) ? TITLES[code as ErrorCode] : undefined;
  return title === undefined ? detail : `${title}（${detail}）`;
}
