/**
 * The commands' way to the server: our own HTTP API, over the network or in process.
 *
 * One client for both, so that a command does and prints the same wherever it runs; the transport is `connect.ts`'s.
 */

import type { Bilingual } from '../core/failure.ts';
import { CliFailure } from './failure.ts';
import { FAILED } from './io.ts';
import { inChinese } from './titles.ts';

export interface Transport {
  /** Where requests go, without a trailing slash. */
  readonly base: string;
  readonly key: string;
  fetch(request: Request): Promise<Response>;
  close(): Promise<void>;
}

export type Json = Readonly<Record<string, unknown>>;

/** Longer than the server itself waits for WeChat. */
const DEADLINE_MS = 40_000;
/** Of one page; the server's own bound. */
const PAGE = 200;

interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly title?: string;
  readonly advice?: Bilingual;
  readonly errcode?: number;
  readonly errmsg?: string;
  readonly retry_after?: number;
}

export class Api {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get base(): string {
    return this.#transport.base;
  }

  async call(method: string, path: string, body?: unknown): Promise<Json> {
    const response = await this.send(method, path, body);
    if (response.status === 204) return {};
    const answer = await response.json().catch(() => null);
    if (typeof answer !== 'object' || answer === null) throw strangeAnswer(this.base, response.status);
    if (!response.ok) throw problemFailure(answer as Problem, response.status);
    return answer as Json;
  }

  /** The answer as it is, whatever its status. */
  async send(method: string, path: string, body?: unknown): Promise<Response> {
    const { base, key } = this.#transport;
    const request = new Request(`${base}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(DEADLINE_MS),
      // The key goes to the server that was named, and to no other.
      redirect: 'manual',
    });
    return this.#transport.fetch(request).catch((error: unknown) => {
      throw unreachable(base, error);
    });
  }

  /** All elements of a paged list, which the answer holds under `field`. */
  async all(path: string, field: string): Promise<readonly Json[]> {
    const found: Json[] = [];
    for (let cursor = ''; ; ) {
      const page = await this.call('GET', `${path}?limit=${PAGE}${cursor}`);
      found.push(...((page[field] ?? []) as Json[]));
      if (typeof page.next_cursor !== 'string') return found;
      cursor = `&cursor=${encodeURIComponent(page.next_cursor)}`;
    }
  }
}

function problemFailure({ code, detail, title, advice, errcode, errmsg, retry_after: wait }: Problem, status: number): CliFailure {
  const what = detail ?? title ?? `HTTP ${status}`;
  const upstream =
    errcode === undefined
      ? { en: '', zh: '' }
      : { en: ` (WeChat ${errcode}: ${errmsg ?? ''})`, zh: `；微信返回 ${errcode}：${errmsg ?? ''}` };
  const later = { en: wait === undefined ? '' : `; retry after ${wait} s`, zh: wait === undefined ? '' : `；请在 ${wait} 秒后重试` };
  const text = { en: what + upstream.en + later.en, zh: inChinese(code, what) + upstream.zh + later.zh };
  return new CliFailure(FAILED, text, code ?? `http_${status}`, advice ?? null);
}

const strangeAnswer = (base: string, status: number): CliFailure =>
  new CliFailure(
    FAILED,
    { en: `${base} answered HTTP ${status} without JSON`, zh: `${base} 返回了 HTTP ${status}，但不是 JSON` },
    'invalid_answer',
    { en: 'Is ZHONGKONG_URL the address of a Zhongkong server?', zh: '请确认 ZHONGKONG_URL 指向的是 Zhongkong 服务。' },
  );

function unreachable(base: string, error: unknown): CliFailure {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.name) : 'unknown';
  return new CliFailure(FAILED, { en: `no answer from ${base} (${why})`, zh: `${base} 没有应答（${why}）` }, 'unreachable', {
    en: 'Check that the server runs and that ZHONGKONG_URL is right; unset ZHONGKONG_URL to work on the store of this machine.',
    zh: '请确认服务正在运行、ZHONGKONG_URL 正确；取消设置 ZHONGKONG_URL 则直接操作本机的存储。',
  });
}
