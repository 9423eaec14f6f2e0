/**
 * A service of somebody else's: a process of its own that gets tokens through an SDK from the registry, unmodified.
 * Only the SDK's base URL is another, and an API key stands where its secret goes. It obeys messages from the test.
 *
 * Each caller has two objects of its SDK, as the recipes say: one gets the token from Zhongkong, the other makes
 * business calls at WeChat with it. The clock of this process is moved by the test, as time passes for everybody alike.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import CoWechatApi from 'co-wechat-api';
import { OfficialAccount } from 'node-easywechat';
import WechatApi from 'wechat-api';

const RealDate = Date;
let shiftMs = 0;
globalThis.Date = class extends RealDate {
  constructor(...parts) {
    if (parts.length === 0) super(RealDate.now() + shiftMs);
    else super(...parts);
  }

  static now() {
    return RealDate.now() + shiftMs;
  }
};

const folder = mkdtempSync(join(tmpdir(), 'zhongkong-sdk-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
let caches = 0;

/** Each: where tokens and business calls go, AppID and key → how this SDK gets a token and calls. */
const SDKS = {
  'co-wechat-api': ({ tokens, wechat, appId, key }) => {
    const source = new CoWechatApi(appId, key);
    source.prefix = `${tokens}/cgi-bin/`;
    const business = new CoWechatApi(
      appId,
      key,
      () => source.ensureAccessToken(),
      async () => undefined,
      true,
    );
    business.prefix = `${wechat}/cgi-bin/`;
    return {
      token: async () => (await source.ensureAccessToken()).accessToken,
      user: async (openid) => business.getUser(openid),
    };
  },

  'wechat-api': ({ tokens, wechat, appId, key }) => {
    const source = new WechatApi(appId, key);
    source.endpoint = tokens;
    const latest = promisify(source.getLatestToken.bind(source));
    const business = new WechatApi(
      appId,
      key,
      (callback) => source.getLatestToken(callback),
      (_token, callback) => callback(null),
    );
    business.endpoint = wechat;
    return {
      token: async () => (await latest()).accessToken,
      user: promisify(business.getUser.bind(business)),
    };
  },

  'node-easywechat': (places) => easywechat(places, false),
  'node-easywechat, stable': (places) => easywechat(places, true),
};

function easywechat({ tokens, wechat, appId, key }, stable) {
  const application = (baseURL) => {
    caches += 1;
    return new OfficialAccount({
      app_id: appId,
      secret: key,
      use_stable_access_token: stable,
      http: { baseURL: `${baseURL}/` },
      file_cache: { path: join(folder, String(caches)) },
    });
  };
  const source = application(tokens).getAccessToken();
  const business = application(wechat).setAccessToken(source);
  return {
    token: () => source.getToken(),
    force: () => source.getStableAccessToken(true),
    user: async (openid) => (await business.getClient().get('cgi-bin/user/info', { params: { openid } })).toObject(),
  };
}

const callers = [];
const ORDERS = {
  open: ({ sdk, places }) => callers.push(SDKS[sdk](places)) - 1,
  ask: ({ caller, what, args }) => callers[caller][what](...args),
  travel: ({ ms }) => {
    shiftMs += ms;
  },
};

async function obey({ id, order, ...rest }) {
  try {
    process.send({ id, result: await ORDERS[order](rest) });
  } catch (error) {
    process.send({ id, error: { name: error.name, message: error.message, code: error.code } });
  }
}

process.on('message', (message) => void obey(message));
process.on('disconnect', () => process.exit());
process.send({ id: 'ready' });
