/**
 * WeChat's error codes as a table: code → text. On the wire a rid follows (see rid.ts). `{ip}` and
 * `{ipv6}` are filled from the caller's address. Texts are the official English ones; those marked
 * "wire text unknown" are only published as Chinese descriptions (knob `errmsg` replaces any text).
 */
const MORE = 'could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r';

export const ERRMSG: Readonly<Record<number, string>> = {
  [-1]: 'system error',
  40001: `invalid credential, access_token is invalid or not latest, ${MORE}`,
  40002: 'invalid grant_type',
  40003: 'invalid openid',
  40004: 'invalid media type',
  40008: 'invalid message type',
  40013: 'invalid appid',
  40014: 'invalid access_token',
  40029: 'invalid code',
  40066: 'invalid url',
  40097: 'invalid args',
  40125: 'invalid appsecret',
  40163: 'code been used',
  40169: 'invalid length for scene, or the data is not json string',
  40201: 'invalid url', // 4020x: texts from the descriptions
  40202: 'invalid action',
  40203: 'invalid check_operator',
  40164: 'invalid ip {ip} ipv6 {ipv6}, not in whitelist',
  40243: 'AppSecret已被冻结，请登录MP解冻后再次调用', // wire text unknown
  41001: 'access_token missing',
  41002: 'appid missing',
  41004: 'appsecret missing',
  41005: 'media data missing',
  41008: 'missing code',
  42001: 'access_token expired',
  43001: 'require GET method',
  43002: 'require POST method',
  43003: 'require https',
  44002: 'empty post data',
  45009: 'reach max api daily quota limit',
  45011: 'api minute-quota reach limit, must slower, retry next minute',
  47001: 'data format error',
  48001: 'api unauthorized',
  48004: 'api forbidden for irregularities, view detail on mp.weixin.qq.com',
  48006: 'forbid to clear quota because of reaching the limit',
  50002: 'user limited',
  50004: 'user not allow to use accesstoken, maybe for punishment',
  50007: '账号已冻结', // wire text unknown
  61024: 'must use api(api_component_token) to get token for component acct',
  76001: 'rid not found',
  76002: 'rid is error',
  76003: 'could not query this rid,no permission',
  76004: 'rid time is error',
  76021: 'cgi_path not found, please check',
  76022: 'could not use this cgi_path，no permission', // the comma is full-width
  89501: '公众号有未处理的确认请求，请稍候重试', // 8950x: wire text unknown
  89503: '此次调用需要管理员确认，请耐心等候',
  89506: '24小时内该IP被管理员拒绝调用两次，24小时内不可再使用该IP调用',
  89507: '1小时内该IP被管理员拒绝调用一次，1小时内不可再使用该IP调用',
};
