/**
 * @zhongkong/client: WeChat credentials from a Zhongkong server, cached in memory for as long as the server vouches.
 *
 * The public surface, all of it. No dependencies, nothing of Node: any runtime with `fetch`.
 */

export { createClient } from './client.ts';
export { ZhongkongClientError, type ClientErrorCode } from './errors.ts';
export type { Client, ClientOptions, Credential, FetchInit, FetchLike, FetchReply, ReadOptions, Report, ReportOptions } from './types.ts';
