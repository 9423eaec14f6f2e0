/** Chooses where a command works: on the server that `ZHONGKONG_URL` names, else on the store of this machine. */

import { Api, type Transport } from './api.ts';
import { CliFailure } from './failure.ts';
import { configOf, type GlobalOptions } from './global-options.ts';
import { type Io, WRONG_CONFIG } from './io.ts';

const wrongConfig = (en: string, zh: string): CliFailure => new CliFailure(WRONG_CONFIG, { en, zh }, 'config_invalid');

/** The server named in the environment, or null. Throws when it is named by half. */
export function remote({ env, fetch }: Io): Transport | null {
  const { ZHONGKONG_URL: url, ZHONGKONG_KEY: key } = env;
  if (url === undefined && key === undefined) return null;
  if (!url || !key) {
    const missing = url ? 'ZHONGKONG_KEY' : 'ZHONGKONG_URL';
    throw wrongConfig(`${missing} is not set, but its other half is`, `未设置 ${missing}，而与之成对的变量已设置`);
  }
  let origin: string;
  try {
    const parsed = new URL(url);
    if (!/^https?:$/.test(parsed.protocol) || parsed.username !== '' || parsed.pathname !== '/' || parsed.search !== '')
      throw new Error('no origin');
    origin = parsed.origin;
  } catch {
    throw wrongConfig('ZHONGKONG_URL must be like https://zhongkong.example.com', 'ZHONGKONG_URL 应形如 https://zhongkong.example.com');
  }
  return { base: origin, key, fetch, close: async () => {} };
}

/** Do `work` over the API, and let go of what was opened for it. */
export async function withApi<T>(options: GlobalOptions, io: Io, work: (api: Api) => Promise<T>): Promise<T> {
  const transport = remote(io) ?? (await (await import('./local.ts')).openLocal(await configOf(options, io)));
  try {
    return await work(new Api(transport));
  } finally {
    await transport.close();
  }
}
