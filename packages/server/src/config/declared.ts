/**
 * The declared forms of accounts and API keys: the same JSON that `/v1/accounts` and `/v1/keys` take.
 *
 * An account is known to its platform by `app_id` and to callers by `id`; either stands in for the other.
 */

import { z } from 'zod';
import { ACCOUNT_ID, ACCOUNT_ID_FORM, ACCOUNT_REFERENCE } from '../core/account.ts';
import { SCOPES } from '../core/api-key.ts';
import { both } from './both.ts';
import { apiKey, appSecret, cidr, file, flag, instant, integer, matching, oneOf, SECRETS } from './formats.ts';
import { described } from './option-doc.ts';

const accountId = () => matching(ACCOUNT_ID, both(`must be ${ACCOUNT_ID_FORM.en}`, `应为 ${ACCOUNT_ID_FORM.zh}`));

const accountReference = () => matching(ACCOUNT_REFERENCE, both('must be an account id or "*"', '应为账号 id 或 "*"'));

export const accountSchema = z.object({
  id: described(accountId().optional(), {
    en: 'How callers name it. Default: `app_id`.',
    zh: '调用方使用的账号 id，默认等于 `app_id`。',
  }),
  platform: described(matching(/^/, both('must be the name of a platform', '应为平台名称')), {
    en: '`official-account`, `mini-program`, `mini-game`, or `borrowed` (from another Zhongkong, see `upstreams.borrowed`).',
    zh: '`official-account`（公众号）、`mini-program`（小程序）、`mini-game`（小游戏），或 `borrowed`（向另一套中控借用，见 `upstreams.borrowed`）。',
  }),
  app_id: described(accountId().optional(), { en: 'AppID. Default: `id`.', zh: 'AppID，默认等于 `id`。' }),
  secret: described(z.union([appSecret(), z.tuple([appSecret(), appSecret()])], { error: SECRETS }).optional(), {
    secret: true,
    en: 'AppSecret, or `[first, fallback]`: the fallback is tried once per change when WeChat refuses the first (40125). With `borrowed`, an API key of the lender.',
    zh: 'AppSecret，或 `[first, fallback]`（首选和备用）：首选被微信拒绝（40125）时，每次变更只试一次备用。`borrowed` 账号填出借方的 API key。',
  }),
  secretFile: described(file().optional(), {
    en: 'A file that holds the AppSecret, instead of `secret`. Two lines: first and fallback.',
    zh: '存放 AppSecret 的文件，代替 `secret`；写两行则依次为首选和备用。',
  }),
  mode: described(matching(/^/, both('must be the name of a mode', '应为模式名称')).optional(), {
    en: '`stable` (default) or `classic`.',
    zh: '`stable`（稳定版，默认）或 `classic`（普通版）。',
  }),
  enabled: described(flag().default(true), { en: 'Whether its credentials are kept and served.', zh: '是否维护并下发它的凭据。' }),
  note: described(matching(/^[^\0]{0,200}$/, both('must be a text of at most 200 characters', '应为文本，最多 200 个字符')).default(''), {
    en: 'A note for people.',
    zh: '备注。',
  }),
});

export const keySchema = z.object({
  name: described(
    matching(
      /^[A-Za-z0-9_.:@-]{1,64}$/,
      both('must be 1 to 64 of A-Z a-z 0-9 _ . : @ -', '应为 1 到 64 个字符，仅限 A-Z a-z 0-9 _ . : @ -'),
    ),
    {
      en: 'Unique name; appears in logs.',
      zh: '唯一的名称，会出现在日志里。',
    },
  ),
  key: described(apiKey(), {
    secret: true,
    en: 'The key itself: 24 to 128 URL-safe characters. Never stored.',
    zh: 'key 本身：24 到 128 个 URL 安全字符，不会存储。',
  }),
  scopes: described(
    z
      .array(oneOf(SCOPES), { error: both('must be a list of scopes', '应为权限列表') })
      .min(1, { error: both('must name at least one scope', '应至少包含一项权限') }),
    {
      en: `What it may do: ${SCOPES.map((scope) => `\`${scope}\``).join(', ')}.`,
      zh: `权限：${SCOPES.map((scope) => `\`${scope}\``).join('、')}。`,
    },
  ),
  accounts: described(
    z
      .array(accountReference(), { error: both('must be a list of account ids, or ["*"]', '应为账号 id 列表，或 ["*"]') })
      .min(1, { error: both('must name at least one account, or "*"', '应至少包含一个账号，或 "*"') }),
    { en: 'Account ids, or `["*"]` for all.', zh: '账号 id 列表，`["*"]` 表示全部。' },
  ),
  kinds: described(
    z
      .array(matching(/^[a-z0-9_]{1,64}$/, both('must be the name of a credential kind', '应为凭据种类的名称')), {
        error: both('must be a list of credential kinds', '应为凭据种类列表'),
      })
      .min(1, { error: both('must name at least one kind, or be left out', '应至少包含一个种类，或不写此项') })
      .nullable()
      .default(null),
    { en: 'Credential kinds it may read. Default: all.', zh: '可读取的凭据种类，默认全部。' },
  ),
  cidrs: described(
    z
      .array(cidr(), { error: both('must be a list of CIDRs', '应为 CIDR 列表') })
      .min(1, { error: both('must name at least one CIDR, or be left out', '应至少包含一个 CIDR，或不写此项') })
      .nullable()
      .default(null),
    {
      en: 'Networks it may be used from. Default: all.',
      zh: '允许使用它的网段，默认不限。',
    },
  ),
  calls_per_minute: described(integer(1, 1_000_000).nullable().default(null), {
    en: 'Calls per minute and process. Default: no limit.',
    zh: '每进程每分钟调用次数上限，默认不限。',
  }),
  expires_at: described(instant().nullable().default(null), { en: 'RFC 3339. Default: never.', zh: 'RFC 3339 时间，默认永不过期。' }),
  sealed: described(flag().default(false), {
    en: 'It gets sealed tokens instead of real ones (refused until this version can seal).',
    zh: '只下发封装过的 token，不下发真实 token（当前版本尚不支持封装，此类读取会被拒绝）。',
  }),
});

export type AccountForm = z.output<typeof accountSchema>;
export type KeyForm = z.output<typeof keySchema>;
