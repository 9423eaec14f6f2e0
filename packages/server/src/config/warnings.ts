/** What is allowed but deserves a look: risks that an operator may have taken on purpose. Shown by `doctor`. */

import type { Bilingual } from '../core/failure.ts';
import { isEmbedded, isLoopback } from './formats.ts';
import type { Config } from './schema.ts';

export interface ConfigWarning {
  /** The option's path. */
  readonly option: string;
  readonly text: Bilingual;
}

interface Check {
  readonly option: string;
  readonly when: (config: Config) => boolean;
  readonly text: Bilingual;
}

/** A database server on another machine, with nothing said about TLS. */
function isFarWithoutTls(store: string): boolean {
  if (!/^(postgres|postgresql|mysql|mariadb):/i.test(store) || !URL.canParse(store)) return false;
  const { hostname, searchParams } = new URL(store);
  return hostname !== '' && !isLoopback(hostname.replace(/^\[|\]$/g, '')) && !searchParams.has('sslmode');
}

const ALL_ADDRESSES = /\/0$/;

const CHECKS: readonly Check[] = [
  {
    option: 'allowPlainHttp',
    when: ({ listen, tls, allowPlainHttp }) => allowPlainHttp && tls === null && !isLoopback(listen.host),
    text: {
      en: 'Keys and tokens cross the network in the clear. Set tls, or put a reverse proxy with TLS in front and name it in trustedProxies.',
      zh: 'key 和 token 会在网络上明文传输。请配置 tls，或在前面放置带 TLS 的反向代理并写入 trustedProxies。',
    },
  },
  {
    option: 'trustedProxies',
    when: ({ trustedProxies }) => trustedProxies.some((cidr) => ALL_ADDRESSES.test(cidr)),
    text: {
      en: 'Every peer may claim any client IP, so the CIDRs of keys protect nothing. Name only the networks of your proxies.',
      zh: '任何来源都能伪造客户端 IP，key 的 CIDR 限制形同虚设。请只填写反向代理所在的网段。',
    },
  },
  {
    option: 'dropin.acceptAppSecret',
    when: ({ dropin }) => dropin.acceptAppSecret,
    text: {
      en: 'Services may still hold the AppSecret. Turn this off once they all use API keys.',
      zh: '业务方仍可持有 AppSecret。全部改用 API key 后请关闭此项。',
    },
  },
  {
    option: 'store',
    when: ({ store }) => store === 'memory:',
    text: {
      en: 'Everything is forgotten when the process ends. Use sqlite:PATH outside of trials.',
      zh: '进程结束后数据全部丢失，正式使用请改为 sqlite:PATH。',
    },
  },
  {
    option: 'store',
    when: ({ store }) => !isEmbedded(store) && isFarWithoutTls(store),
    text: {
      en: 'The password and everything that is stored cross the network in the clear. Add ?sslmode=verify-full to the URL, or ?sslmode=disable when the network is trusted.',
      zh: '密码和存储的内容会在网络上明文传输。请在地址后加上 “?sslmode=verify-full”；若网络可信，可写明 “?sslmode=disable”。',
    },
  },
  {
    option: 'upstreams.wechat',
    when: ({ upstreams }) => !new URL(upstreams.wechat).hostname.endsWith('.weixin.qq.com'),
    text: {
      en: 'Calls do not go to WeChat itself. Right for the simulator or a relay of yours, wrong otherwise: AppSecrets are sent there.',
      zh: '请求不会发往微信官方地址。用于模拟器或自建中转是正常的，否则请更正：AppSecret 会发送到该地址。',
    },
  },
];

/** Empty when nothing deserves a look. */
export const configWarnings = (config: Config): readonly ConfigWarning[] =>
  CHECKS.filter(({ when }) => when(config)).map(({ option, text }) => ({ option, text }));
