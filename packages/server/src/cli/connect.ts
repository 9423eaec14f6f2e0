/** Chooses where a command works: on the server that `ZHONGKONG_URL` names, else on the store of this machine. */

import type { Bilingual } from '../core/failure.ts';
import { Api, type Transport } from './api.ts';
import { CliFailure } from './failure.ts';
import { configOf, type GlobalOptions } from './global-options.ts';
import { type Io, WRONG_CONFIG } from './io.ts';

const wrongConfig = (text: Bilingual, advice: Bilingual | null = null): CliFailure =>
  new CliFailure(WRONG_CONFIG, text, 'config_invalid', advice);

/** One of the two variables stands alone. */
const half = (set: string, missing: string): CliFailure =>
  wrongConfig(
    {
      en: `${set} is set without ${missing}: set both to work on a running server, or unset it`,
      zh: `${set} 已设置但缺少 ${missing}：请一并设置，或取消前者`,
    },
    {
      en: 'With neither, commands work on the store of this machine.',
      zh: '两者都不设置时，命令直接操作本机的存储。',
    },
  );

/** The server named in the environment, or null. Throws when it is named by half. */
export function remote({ env, fetch }: Io): Transport | null {
  const { ZHONGKONG_URL: url, ZHONGKONG_KEY: key } = env;
  if (url === undefined && key === undefined) return null;
  if (!url || !key) throw url ? half('ZHONGKONG_URL', 'ZHONGKONG_KEY') : half('ZHONGKONG_KEY', 'ZHONGKONG_URL');
  let origin: string;
  try {
    const parsed = new URL(url);
    if (!/^https?:$/.test(parsed.protocol) || parsed.username !== '' || parsed.pathname !== '/' || parsed.search !== '')
      throw new Error('no origin');
    origin = parsed.origin;
  } catch {
    throw wrongConfig({
      en: 'ZHONGKONG_URL must be like https://zhongkong.example.com',
      zh: 'ZHONGKONG_URL 应形如 https://zhongkong.example.com',
    });
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
