/**
 * WeChat's codes that say nothing about credentials: passed through, and never a reason to refresh.
 *
 * Families share one advice, because the row's own text already says what was wrong.
 */

import type { Bilingual } from '../../core/failure.ts';
import type { WechatErrorRow } from './error-row.ts';

const PROGRAM = {
  en: 'The request itself is wrong. Compare it with the documentation of this API; repeating it changes nothing.',
  zh: '请求本身有误。请对照该接口的文档检查参数，重复调用不会成功。',
};

const USER_CODE = {
  en: "The end user's code is wrong, used or expired: codes work once and for minutes. Have the user log in again. The account's token is not concerned.",
  zh: '用户登录 code 不正确、已使用或已过期（code 只能使用一次，有效期仅几分钟）。请引导用户重新登录；与账号的 access_token 无关。',
};

const USER_LOGIN = {
  en: "The end user's login has run out: have the user authorise again. The account's token is not concerned.",
  zh: '用户的网页授权已失效，请引导用户重新授权；与账号的 access_token 无关。',
};

const NO_PERMISSION = {
  en: 'This account, or this kind of token, may not use this API. A new token does not help: check the permissions at mp.weixin.qq.com.',
  zh: '该账号或该类 token 没有此接口的权限，刷新 token 无济于事。请在微信公众平台检查接口权限。',
};

const NOT_GRANTED = {
  en: 'The merchant did not grant this permission set to the third-party platform, or it awaits confirmation. A new token does not help: ask for the permission and have the merchant authorise again.',
  zh: '商家未将相应权限集授权给第三方平台，或权限集尚待确认。刷新 token 无济于事：请申请权限后让商家重新授权。',
};

const WRONG_TOKEN_KIND = {
  en: "The wrong kind of token was sent: APIs of the third-party platform want the component's own, all others the merchant's.",
  zh: '使用了错误类型的 token：第三方平台自身的接口需要 component_access_token，其余接口需要商家的 authorizer_access_token。',
};

const AUTHORISATION_CODE = {
  en: 'The authorisation code is wrong or older than an hour. Start the authorisation again.',
  zh: '授权码不正确或已超过 1 小时，请重新发起授权。',
};

const COMPONENT = {
  en: 'The third-party platform API refuses this request as its text says. Tokens are not concerned.',
  zh: '第三方平台接口拒绝了该请求，原因见 errmsg；与 token 无关。',
};

const DIAGNOSIS = {
  en: 'A rid can be looked up for 7 days by the account it belongs to; cgi_path begins with "/" and has no host.',
  zh: 'rid 仅支持所属账号在 7 天内查询；cgi_path 需以 “/” 开头且不含域名。',
};

const CODE_MANAGEMENT = {
  en: 'About uploading and reviewing mini program code. Tokens are not concerned.',
  zh: '小程序代码上传与审核相关的错误，与 token 无关。',
};

const rows = (advice: Bilingual, texts: Readonly<Record<number, string>>): readonly WechatErrorRow[] =>
  Object.entries(texts).map(([code, text]) => ({ code: Number(code), text, class: 'rejected', advice }));

export const REJECTED_ROWS: readonly WechatErrorRow[] = [
  ...rows(PROGRAM, {
    40066: 'invalid url',
    40097: 'invalid args',
    40170: 'args count exceed count limit',
    41001: 'access_token missing',
    41018: 'missing component_appid',
    41021: 'missing component_access_token',
    43001: 'require GET method',
    43002: 'require POST method',
    43003: 'require https',
    47001: 'data format error',
  }),
  ...rows(
    {
      en: 'The body is empty. Many POST APIs want at least {}.',
      zh: '请求体为空；许多 POST 接口至少需要传 {}。',
    },
    { 44002: 'empty post data' },
  ),
  ...rows(USER_CODE, { 40029: 'invalid code', 40163: 'code been used', 42003: 'code expired' }),
  ...rows(USER_LOGIN, { 40030: 'invalid refresh_token', 42002: 'refresh_token expired' }),
  ...rows(NO_PERMISSION, { 48001: 'api unauthorized' }),
  ...rows(
    {
      en: "This month's 10 clearings of the quota are used up. Wait for 00:00 Beijing time, or for the next month.",
      zh: '本月 10 次清零机会已用完。请等待北京时间 0 点额度恢复，或次月再清零。',
    },
    { 48006: 'forbid to clear quota because of reaching the limit' },
  ),
  ...rows(NOT_GRANTED, {
    61007: 'api is unauthorized to component',
    61016: 'function category of API need be confirmed by component',
    61017: 'function category is not authorized',
  }),
  ...rows(WRONG_TOKEN_KIND, {
    61014: 'must use component token for component api',
    61015: 'must use biz account token for not component api',
  }),
  ...rows(AUTHORISATION_CODE, { 61009: 'code is invalid', 61010: 'code is expired' }),
  ...rows(
    {
      en: 'The third-party platform is not published. Publish it at open.weixin.qq.com.',
      zh: '该第三方平台尚未全网发布，请在微信开放平台完成发布。',
    },
    { 61028: 'component is unpublished' },
  ),
  ...rows(COMPONENT, {
    61000: 'invalid component type',
    61001: 'component type and component appid is not match',
    61002: 'the third appid is not open KF',
    61008: 'component req key is duplicated',
    61012: 'invalid option name',
    61013: 'invalid option value',
    61018: 'already confirm',
    61019: 'not need confirm',
    61020: 'err parameter',
    61021: "can't confirm",
    61022: "can't resubmit",
    61025: 'read-only option',
  }),
  ...rows(DIAGNOSIS, {
    76001: 'rid not found',
    76002: 'rid is error',
    76003: 'could not query this rid,no permission',
    76004: 'rid time is error',
    76021: 'cgi_path not found, please check',
    76022: 'could not use this cgi_path，no permission',
  }),
  ...rows(CODE_MANAGEMENT, {
    85009: 'already submit a version under auditing',
    85019: 'no version is under auditing',
    85044: 'package exceed max limit',
    85064: 'template not found',
    85065: 'template list is full',
    85085: 'submit audit reach limit',
    85086: 'must commit before submit audit',
  }),
  // The rest of the family is long and concerns nothing here.
  { code: 85000, until: 85999, text: 'code management', class: 'rejected', advice: CODE_MANAGEMENT },
];
