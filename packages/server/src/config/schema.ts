/**
 * The configuration: one schema, every option with its bounds, its default and its words for people.
 *
 * Unknown names pass here and are told by `mistakes.ts`, so that they hide no other mistake. What the schema cannot say
 * of one option alone is in `rules.ts` and `item-rules.ts`. Everything an option may be is here, and nothing that does
 * not work yet.
 */

import { z } from 'zod';
import type { DeclaredAccount, DeclaredKey } from '../core/declared.ts';
import { both } from './both.ts';
import { accountSchema, keySchema } from './declared.ts';
import {
  apiKey,
  cidr,
  cronSecret,
  file,
  flag,
  httpProxy,
  integer,
  type Listen,
  listen,
  masterKey,
  oneOf,
  publicUrl,
  store,
  upstream,
} from './formats.ts';
import { described } from './option-doc.ts';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export const configSchema = z.object({
  listen: described(listen().prefault('127.0.0.1:8700'), {
    en: 'Address to listen on. Port 0 takes any free port.',
    zh: '监听地址；端口 0 表示任选一个空闲端口。',
  }),
  store: described(store().prefault('sqlite:data/zhongkong.db'), {
    url: true,
    en: '`sqlite:PATH`; for several processes `postgres://USER:PASSWORD@HOST:5432/DATABASE`, `mysql://…` (also MariaDB) or `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]` (`rediss://…` over TLS); or `memory:` (forgets everything when it ends; for trials). Parameters of the two databases: `sslmode` (`disable`, `require`, `verify-ca`, `verify-full`), `sslrootcert` (file), `connections` (most per process, default 10), `host` (a Unix socket). See docs/operations.md.',
    zh: '`sqlite:PATH`；多进程部署用 `postgres://USER:PASSWORD@HOST:5432/DATABASE`、`mysql://…`（含 MariaDB）或 `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`（TLS 用 `rediss://…`）；或 `memory:`（进程结束即清空，仅供试用）。两种数据库支持的参数：`sslmode`（`disable`、`require`、`verify-ca`、`verify-full`）、`sslrootcert`（CA 证书文件）、`connections`（每进程最大连接数，默认 10）、`host`（Unix 套接字）。详见 docs/operations.zh-CN.md。',
  }),
  masterKey: described(masterKey().nullable().default(null), {
    secret: true,
    en: 'Base64 of 32 bytes; seals everything secret in the store. Make one with `openssl rand -base64 32`. Not together with `masterKeyFile`. While the key is being changed: the new and the former one, separated by a comma (see docs/upgrading.md).',
    zh: '32 字节的 base64，用于加密存储中的一切秘密；可用 `openssl rand -base64 32` 生成。不可与 `masterKeyFile` 同时设置。更换密钥期间填写新旧两个，以逗号分隔（见 docs/upgrading.zh-CN.md）。',
  }),
  masterKeyFile: described(file().nullable().default(null), {
    en: 'The file that holds the master key, mode 0600. Made on the first start beside a SQLite database. While the key is being changed it holds the new and the former one, one a line; a running server reads it again when it needs to.',
    zh: '存放主密钥的文件，权限须为 0600；使用 SQLite 时首次启动会在数据库旁自动生成。更换密钥期间每行一个，新的在前；运行中的服务需要时会自动重新读取。',
    defaultText: { en: '`master-key` beside the database', zh: '数据库旁的 `master-key`' },
  }),
  adminKey: described(apiKey().nullable().default(null), {
    secret: true,
    en: 'The admin API key. Default: made on the first start and shown once. Setting it replaces the former one.',
    zh: '管理员 API key；默认在首次启动时生成并只显示一次，设置后替换原有的。',
    defaultText: { en: 'made on the first start', zh: '首次启动时生成' },
  }),
  cronSecret: described(cronSecret().nullable().default(null), {
    secret: true,
    en: "What the platform's timer sends as Bearer at `GET /v1/tick` (on Vercel its `CRON_SECRET`). Good for that and nothing else.",
    zh: '平台定时器调用 `GET /v1/tick` 时以 Bearer 携带的密钥（Vercel 上即其 `CRON_SECRET`），仅用于此接口。',
  }),
  accounts: described(
    z
      .array(accountSchema, { error: both('must be a list of accounts', '应为账号列表') })
      .nullable()
      .default(null),
    {
      secret: true,
      en: 'Declared accounts. One is written only when its declaration changed; one no longer declared is disabled, not deleted.',
      zh: '写在配置里的账号；配置有变化时才会写入，从配置中移除的账号会被停用，不会被删除。',
    },
  ),
  keys: described(z.array(keySchema, { error: both('must be a list of keys', '应为 key 列表') }).default([]), {
    secret: true,
    en: 'Declared API keys: valid while declared, never stored.',
    zh: '写在配置里的 API key：不入库，从配置中删除即失效。',
  }),
  upstreams: z
    .object({
      wechat: described(upstream().prefault('https://api.weixin.qq.com'), {
        env: 'UPSTREAM_WECHAT',
        en: "WeChat's API.",
        zh: '微信 API 的地址。',
      }),
      borrowed: described(upstream().nullable().default(null), {
        env: 'UPSTREAM_BORROWED',
        en: 'Another Zhongkong that lends its tokens to accounts of the platform `borrowed`: docs/borrowed.md.',
        zh: '另一套中控的地址，`borrowed` 平台的账号向它借用 token，见 docs/borrowed.zh-CN.md。',
      }),
    })
    .prefault({}),
  tls: z
    .object({
      certFile: described(file(), { en: 'Certificate chain, PEM.', zh: '证书链（PEM）。' }),
      keyFile: described(file(), { en: 'Private key, PEM.', zh: '私钥（PEM）。' }),
    })
    .nullable()
    .default(null),
  allowPlainHttp: described(flag().default(false), {
    en: 'Listen beyond loopback without TLS and without a trusted proxy. Keys and tokens then cross the network in the clear.',
    zh: '允许在没有 TLS、也没有可信代理的情况下监听非回环地址；此时 key 和 token 会在网络上明文传输。',
  }),
  publicUrl: described(publicUrl().nullable().default(null), {
    en: 'The address callers use, when it differs from `listen`.',
    zh: '调用方访问的地址（与 `listen` 不同时填写）。',
  }),
  trustedProxies: described(z.array(cidr(), { error: both('must be a list of CIDRs', '应为 CIDR 列表') }).default([]), {
    en: 'Networks of reverse proxies whose X-Forwarded-For is believed. The client is the right-most hop that is none of them.',
    zh: '可信反向代理的网段，只采信它们的 X-Forwarded-For；客户端 IP 取最右侧的非可信地址。',
  }),
  egressProxy: described(httpProxy().nullable().default(null), {
    url: true,
    en: 'An HTTP proxy with a fixed IP for calls to WeChat.',
    zh: '调用微信时使用的固定 IP 的 HTTP 代理。',
  }),
  dropin: z
    .object({
      acceptAppSecret: described(flag().default(false), {
        en: 'The drop-in also takes the real AppSecret where it expects an API key. For moving over only.',
        zh: '兼容接口除 API key 外也接受真实的 AppSecret，仅用于迁移过渡。',
      }),
    })
    .prefault({}),
  log: z
    .object({
      level: described(oneOf(LOG_LEVELS).default('info'), {
        en: LOG_LEVELS.map((level) => `\`${level}\``).join(', '),
        zh: '日志级别。',
      }),
    })
    .prefault({}),
  retention: z
    .object({
      auditDays: described(integer(1, 3650).default(90), { en: 'How long the audit trail is kept, days.', zh: '审计记录保留的天数。' }),
    })
    .prefault({}),
  docs: z
    .object({
      public: described(flag().default(true), {
        en: '`/docs` and `/openapi.json` need no key.',
        zh: '`/docs` 和 `/openapi.json` 无需 key 即可访问。',
      }),
    })
    .prefault({}),
  refresh: z
    .object({
      upstreamTimeoutSeconds: described(integer(1, 30).default(5), {
        en: 'Bound of one call to WeChat, seconds.',
        zh: '单次调用微信的时限，秒。',
      }),
      leaseSeconds: described(integer(10, 300).default(30), {
        en: 'Length of the lease under which one process refreshes a credential, seconds. At least four times `refresh.upstreamTimeoutSeconds`.',
        zh: '刷新凭据所持租约的时长，秒；至少为 `refresh.upstreamTimeoutSeconds` 的四倍。',
      }),
      reportCooldownSeconds: described(integer(5, 600).default(30), {
        en: 'Shortest time between two verifications of one credential on a report, seconds.',
        zh: '同一凭据两次上报验证之间的最短间隔，秒。',
      }),
      concurrency: described(integer(1, 1024).default(64), {
        en: 'Refreshes at the same time in one process.',
        zh: '单进程同时进行的刷新数。',
      }),
      cacheSize: described(integer(100, 10_000_000).default(100_000), {
        en: 'Credentials, accounts and keys kept in memory, each.',
        zh: '内存中分别缓存的凭据、账号和 key 的数量上限。',
      }),
      storeAwayMinutes: described(integer(1, 1440).default(15), {
        en: 'How long an API key that memory knows stays good while the store is away, minutes.',
        zh: '存储不可用期间，内存中已知的 API key 继续有效的时长，分钟。',
      }),
      readTimeoutSeconds: described(integer(1, 60).default(10), {
        en: 'How long a read waits for the first credential, seconds.',
        zh: '读取时等待首个凭据的时限，秒。',
      }),
    })
    .prefault({}),
});

export type ConfigForm = z.output<typeof configSchema>;

/** The configuration as the parts use it: parsed once, complete, frozen. Paths are absolute. */
export interface Config extends Omit<ConfigForm, 'accounts' | 'keys' | 'listen' | 'upstreams'> {
  readonly listen: Listen;
  /** As given, a relative path made absolute. */
  readonly store: string;
  /** Null when `masterKey` is set, and for a store that does not outlive the process. */
  readonly masterKeyFile: string | null;
  readonly accounts: readonly DeclaredAccount[] | null;
  readonly keys: readonly DeclaredKey[];
  /** Those that are set. */
  readonly upstreams: Readonly<Record<string, string> & { wechat: string }>;
  /** The configuration file that was read, or null. */
  readonly file: string | null;
}
