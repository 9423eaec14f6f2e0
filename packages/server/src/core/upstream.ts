/**
 * The port to WeChat and every other platform: one request, one whole small answer, a deadline.
 *
 * The platforms describe requests and read replies as pure functions; only an adapter behind this port does I/O.
 */

import type { Bilingual } from './failure.ts';

export interface UpstreamRequest {
  /** Key of `upstreams.*` in the configuration, e.g. `wechat`. */
  readonly upstream: string;
  readonly method: 'GET' | 'POST';
  /** Begins with '/'. */
  readonly path: string;
  /** Encoded and appended by the adapter. May hold secrets: the adapter never logs a URL. */
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
}

export interface UpstreamReply {
  readonly status: number;
  /** The body as text, whole. The adapter bounds it (64 KiB) and reports more as `malformed`. */
  readonly text: string;
  /** Epoch ms of the `Date` header, or null. */
  readonly dateMs: number | null;
}

/**
 * `never_left`: DNS, connect or TLS failed, so upstream cannot have acted. `unknown`: it may have.
 */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly delivery: 'never_left' | 'unknown';
  /** Short stable reason: `timeout`, `connect`, `dns`, `tls`, `reset`, `malformed`. */
  readonly reason: string;

  constructor(delivery: 'never_left' | 'unknown', reason: string, cause?: unknown) {
    super(`upstream call failed: ${reason}`, cause === undefined ? undefined : { cause });
    this.delivery = delivery;
    this.reason = reason;
  }
}

export interface Upstream {
  /** Rejects with `UpstreamError` only. `deadlineMs` bounds the whole call, from DNS to the last byte. */
  send(request: UpstreamRequest, deadlineMs: number): Promise<UpstreamReply>;
}

/** What to do when an upstream, by its option's name, gave no answer that can be used. */
export const unreachableAdvice = (upstream: string): Bilingual => ({
  en: `The upstream (option upstreams.${upstream}) could not be reached or gave no sensible answer. If it lasts, check DNS, egress and TLS with "zhongkong doctor".`,
  zh: `无法连接上游（配置项 upstreams.${upstream}），或上游返回了无法识别的内容。若持续出现，请用 “zhongkong doctor” 检查 DNS、出网和 TLS。`,
});
