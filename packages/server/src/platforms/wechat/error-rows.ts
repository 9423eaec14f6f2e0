/**
 * WeChat's codes that say something about a credential, an account or our way to WeChat, by class.
 *
 * Data only, and long for being a table: one row per code, in the order of the classes. The codes that say nothing
 * about credentials are in `error-rows-rejected.ts`.
 */

import type { WechatErrorRow } from './error-row.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const BUSY = {
  en: 'WeChat is busy. Retried by itself with growing pauses; the current credential goes on.',
  zh: '微信系统繁忙。服务会按递增的间隔自动重试，期间继续使用当前凭据。',
};

const DEAD_TOKEN = {
  en: 'This token is no longer accepted. Report it and use the one handed out. If it happens in the middle of its life, something else fetches tokens with the same AppSecret: find it, or switch the account to stable mode.',
  zh: '该 token 已不被接受。请上报失效并改用返回的新 token。如果在有效期中途反复出现，说明另有程序在用同一个 AppSecret 获取 token：请找到并停掉它，或把账号改为 stable 模式。',
};

const WHITELIST = {
  en: 'Add {ip} to the IP whitelist of this account (mp.weixin.qq.com, Settings and Development). It takes 5 to 10 minutes to apply. If the address changes, send calls through a fixed one with egressProxy.',
  zh: '请把 {ip} 加入该账号的 IP 白名单（微信公众平台「设置与开发」→ 基本配置 / 开发管理），约 5 到 10 分钟后生效。出口 IP 不固定时，请通过 egressProxy 使用固定 IP 的代理。',
};

const CONFIRMATION_PENDING = {
  en: 'WeChat waits for the administrator of this account to confirm calls from {ip}: have them answer the message in WeChat. Adding the address to the IP whitelist avoids these confirmations.',
  zh: '微信正在等待该账号的管理员确认来自 {ip} 的调用，请管理员在微信中处理确认消息。把该 IP 加入白名单后不再需要确认。',
};

const PUNISHED = {
  en: 'WeChat has limited or frozen this account. See the notices at mp.weixin.qq.com; nothing can be done from here.',
  zh: '该账号已被微信限制或冻结。请登录微信公众平台查看站内通知并按要求处理，本服务无法绕过。',
};

const AUTHORISATION_LOST = {
  en: "The merchant's authorisation is gone. Ask the merchant to authorise the third-party platform again.",
  zh: '商家的授权已失效，请商家重新授权给该第三方平台。',
};

const OLD_TICKET = {
  en: 'The component_verify_ticket in use is too old or wrong. WeChat pushes a new one every 10 minutes: check that pushes arrive, and start them again with api_start_push_ticket if not.',
  zh: '所用的 component_verify_ticket 已过期或不正确。微信每 10 分钟推送一次，请检查推送是否到达；如未到达，请调用 api_start_push_ticket 重新启动推送。',
};

export const CREDENTIAL_ROWS: readonly WechatErrorRow[] = [
  { code: -1, text: 'system error', class: 'transient', advice: BUSY },
  { code: -1000, text: 'system error', class: 'transient', advice: BUSY },

  {
    code: 40001,
    text: 'invalid credential, access_token is invalid or not latest',
    class: 'refreshable',
    advice: DEAD_TOKEN,
    issuing: {
      class: 'config',
      advice: {
        en: 'WeChat refuses the AppSecret. Copy it again, or reset it at mp.weixin.qq.com, and set it here with "zhongkong account secret".',
        zh: '微信不接受该 AppSecret。请重新复制，或在微信公众平台重置，然后用 “zhongkong account secret” 更新。',
      },
    },
  },
  { code: 40014, text: 'invalid access_token', class: 'refreshable', advice: DEAD_TOKEN },
  {
    code: 42001,
    text: 'access_token expired',
    class: 'refreshable',
    advice: {
      en: 'This token has outlived its life. Report it and use the one handed out. If it was handed out as fresh, a clock is wrong or refreshing is stuck: see "zhongkong doctor".',
      zh: '该 token 已超过有效期。请上报失效并改用返回的新 token。如果它刚被当作有效 token 发放，请检查时钟是否准确、刷新是否卡住，可用 “zhongkong doctor” 诊断。',
    },
  },
  {
    code: 42006,
    text: 'component_access_token expired',
    class: 'refreshable',
    advice: {
      en: 'The component_access_token has expired and is refreshed; try again.',
      zh: 'component_access_token 已过期，刷新后重试即可。',
    },
  },

  {
    code: 45011,
    text: 'api minute-quota reach limit, must slower, retry next minute',
    class: 'rate-minute',
    retryAfterMs: MINUTE_MS,
    advice: {
      en: "Over WeChat's limit per minute. Retried in the next minute; find out who else calls for this account.",
      zh: '超过微信的每分钟调用限制，下一分钟自动重试。请检查是否还有其他程序在为该账号频繁调用。',
    },
  },
  {
    code: 45009,
    text: 'reach max api daily quota limit',
    class: 'rate-day',
    advice: {
      en: "Today's quota of this API is used up; it comes back at 00:00 Beijing time. The current credential goes on. Find out who else fetches tokens for this account; clear_quota restores the quota, 10 times a month.",
      zh: '该接口今日的调用额度已用完，北京时间 0 点恢复，期间继续使用当前凭据。请排查是否另有程序在获取该账号的 token；也可调用 clear_quota 恢复额度（每月限 10 次）。',
    },
  },

  {
    code: 40002,
    text: 'invalid grant_type',
    class: 'config',
    advice: {
      en: 'WeChat did not understand the request. Check upstreams.wechat: something between here and WeChat changes requests.',
      zh: '微信无法识别该请求。请检查 upstreams.wechat 配置，以及中间代理是否改动了请求。',
    },
  },
  {
    code: 40013,
    text: 'invalid appid',
    class: 'config',
    advice: {
      en: 'WeChat does not know this AppID. Compare it with mp.weixin.qq.com (Settings and Development); mind mistyped and cut-off letters.',
      zh: 'AppID 不正确。请与微信公众平台「设置与开发」中的 AppID 核对，注意大小写、多余或缺失的字符。',
    },
  },
  {
    code: 40125,
    text: 'invalid appsecret',
    class: 'config',
    advice: {
      en: 'The AppSecret is wrong or was reset. Copy the new one from mp.weixin.qq.com and set it with "zhongkong account secret". Not retried often until then.',
      zh: 'AppSecret 不正确或已被重置。请从微信公众平台取得新的 AppSecret，并用 “zhongkong account secret” 更新；更新前只会低频重试。',
    },
  },
  {
    code: 40243,
    text: 'AppSecret已被冻结',
    class: 'config',
    retryAfterMs: 10 * MINUTE_MS,
    advice: {
      en: 'The AppSecret is frozen. Unfreeze it at mp.weixin.qq.com; it takes 10 minutes to apply.',
      zh: 'AppSecret 已被冻结。请在微信公众平台解冻，约 10 分钟后生效。',
    },
  },
  {
    code: 41002,
    text: 'appid missing',
    class: 'config',
    advice: {
      en: 'WeChat saw no AppID. Check that the account has one, and that no proxy on the way cuts requests.',
      zh: '微信没有收到 AppID。请检查账号是否填写了 AppID，以及中间代理是否截断了请求。',
    },
  },
  {
    code: 41004,
    text: 'appsecret missing',
    class: 'config',
    advice: {
      en: 'WeChat saw no AppSecret. Set it with "zhongkong account secret", and check that no proxy on the way cuts requests.',
      zh: '微信没有收到 AppSecret。请用 “zhongkong account secret” 设置，并检查中间代理是否截断了请求。',
    },
  },
  {
    code: 61011,
    text: 'invalid component',
    class: 'config',
    advice: {
      en: 'This AppID is not a third-party platform. Check component_appid at open.weixin.qq.com.',
      zh: '该 AppID 不是第三方平台。请在微信开放平台核对 component_appid。',
    },
  },
  {
    code: 61024,
    text: 'must use api(api_component_token) to get token for component acct',
    class: 'config',
    advice: {
      en: 'This AppID is a third-party platform: its token comes from api_component_token. Register it with the platform "component".',
      zh: '该 AppID 属于第三方平台，应通过 api_component_token 获取 token。请以 component 平台类型添加该账号。',
    },
  },

  {
    code: 40164,
    text: 'invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist',
    class: 'network-acl',
    advice: WHITELIST,
  },
  { code: 40090, text: 'invalid request source (bad client ip)', class: 'network-acl', advice: WHITELIST },
  {
    code: 45035,
    text: 'access clientip is not registered, not in ip-white-list',
    class: 'network-acl',
    advice: {
      en: 'Add {ip} to the IP whitelist of this store or channels account. If the address changes, use egressProxy.',
      zh: '请把 {ip} 加入该小店或视频号账号的 IP 白名单。出口 IP 不固定时，请通过 egressProxy 使用固定 IP 的代理。',
    },
  },
  {
    code: 61004,
    text: 'access clientip is not registered requestIP: 1.2.3.4',
    class: 'network-acl',
    advice: {
      en: 'Add {ip} to the whitelist of the third-party platform at open.weixin.qq.com (single addresses only). If the address changes, use egressProxy.',
      zh: '请在微信开放平台把 {ip} 加入该第三方平台的白名单 IP 列表（只支持单个 IP，不支持网段）。出口 IP 不固定时，请通过 egressProxy 使用固定 IP 的代理。',
    },
  },
  {
    code: 60020,
    text: 'not allow to access from your ip',
    class: 'network-acl',
    advice: {
      en: 'Add {ip} to the trusted IPs of this WeCom application. It applies within a minute.',
      zh: '请在企业微信管理后台把 {ip} 加入该应用的「企业可信 IP」，约 1 分钟后生效。',
    },
  },

  {
    code: 89501,
    text: '公众号有未处理的确认请求，请稍候重试',
    class: 'admin',
    retryAfterMs: 10 * MINUTE_MS,
    advice: CONFIRMATION_PENDING,
  },
  {
    code: 89502,
    text: 'waiting for the administrator',
    class: 'admin',
    retryAfterMs: 10 * MINUTE_MS,
    advice: CONFIRMATION_PENDING,
  },
  {
    code: 89503,
    text: '此次调用需要管理员确认，请耐心等候',
    class: 'admin',
    // Every 5 to 10 minutes is enough: each call from an unconfirmed address adds to WeChat's suspicion.
    retryAfterMs: 5 * MINUTE_MS,
    advice: CONFIRMATION_PENDING,
  },
  {
    code: 89504,
    text: 'waiting for the administrator',
    class: 'admin',
    retryAfterMs: 10 * MINUTE_MS,
    advice: CONFIRMATION_PENDING,
  },
  {
    code: 89505,
    text: 'waiting for the administrator',
    class: 'admin',
    retryAfterMs: 10 * MINUTE_MS,
    advice: CONFIRMATION_PENDING,
  },
  {
    code: 89506,
    text: '24小时内该IP被管理员拒绝调用两次，24小时内不可再使用该IP调用',
    class: 'admin',
    retryAfterMs: 24 * HOUR_MS,
    advice: {
      en: 'The administrator refused {ip} repeatedly: WeChat blocks it for 24 hours. Add it to the IP whitelist, or call from another address with egressProxy.',
      zh: '管理员多次拒绝了来自 {ip} 的调用，微信将封禁该 IP 24 小时。请把它加入 IP 白名单，或通过 egressProxy 换用其他出口。',
    },
  },
  {
    code: 89507,
    text: '1小时内该IP被管理员拒绝调用一次，1小时内不可再使用该IP调用',
    class: 'admin',
    retryAfterMs: HOUR_MS,
    advice: {
      en: 'The administrator refused {ip}: WeChat blocks it for an hour. Tell the administrator why it calls, and add it to the IP whitelist.',
      zh: '管理员拒绝了来自 {ip} 的调用，微信将封禁该 IP 1 小时。请与管理员沟通，并把它加入 IP 白名单。',
    },
  },

  { code: 48004, text: 'api forbidden for irregularities, view detail on mp.weixin.qq.com', class: 'account', advice: PUNISHED },
  { code: 50001, text: 'api unauthorized or user unauthorized', class: 'account', advice: PUNISHED },
  { code: 50002, text: 'user limited', class: 'account', advice: PUNISHED },
  {
    code: 50004,
    text: 'user not allow to use accesstoken, maybe for punishment',
    class: 'account',
    advice: {
      en: 'WeChat does not let this account fetch tokens, usually as a punishment. See the notices at mp.weixin.qq.com.',
      zh: '微信禁止该账号使用 token 接口，多为违规处罚。请登录微信公众平台查看站内通知。',
    },
  },
  { code: 50007, text: '账号已冻结', class: 'account', advice: PUNISHED },

  {
    code: 42007,
    text: 'access_token and refresh_token exception',
    class: 'auth-lost',
    advice: {
      en: 'The user changed the WeChat password, so both tokens died. Ask the merchant to authorise again.',
      zh: '用户修改了微信密码，access_token 与 refresh_token 均已失效。请商家重新授权。',
    },
  },
  { code: 43007, text: 'require bizuser authorize', class: 'auth-lost', advice: AUTHORISATION_LOST },
  { code: 61003, text: 'component is not authorized by this account', class: 'auth-lost', advice: AUTHORISATION_LOST },
  {
    code: 61023,
    text: 'refresh_token is invalid',
    class: 'auth-lost',
    advice: {
      en: 'The stored authorizer_refresh_token is wrong. Read it anew with api_get_authorizer_list; if it is not there, ask the merchant to authorise again.',
      zh: '保存的 authorizer_refresh_token 不正确。请用 api_get_authorizer_list 重新获取；取不到时请商家重新授权。',
    },
  },

  {
    code: 61005,
    text: 'component ticket is expired',
    class: 'ticket',
    advice: {
      en: `${OLD_TICKET.en} Some get this code for an address missing in the whitelist: look there too.`,
      zh: `${OLD_TICKET.zh}偶有 IP 未加白名单也返回此码的情况，请一并检查。`,
    },
  },
  { code: 61006, text: 'component ticket is invalid', class: 'ticket', advice: OLD_TICKET },
  { code: 40091, text: 'invalid component ticket', class: 'ticket', advice: OLD_TICKET },
  { code: 40094, text: 'invalid component credential', class: 'ticket', advice: OLD_TICKET },
];
