/**
 * A few ordinary calls that check the access_token, so that a test can ask "is this token good?" the
 * way a business service does. Their answers have the documented shape and no real content.
 */
import { queryParam } from '../params.ts';
import type { Account } from '../state/account.ts';
import { type Answer, OK, okJson } from '../wire.ts';
import type { Context, Endpoint } from './endpoint.ts';

function userInfo({ call, now }: Context): Answer | number {
  const openid = queryParam(call.query, 'openid');
  if (!openid) return 40003;
  return okJson(
    JSON.stringify({
      subscribe: 1,
      openid,
      nickname: '',
      sex: 0,
      language: 'zh_CN',
      city: '',
      province: '',
      country: '',
      headimgurl: '',
      subscribe_time: Math.floor(now / 1000),
      remark: '',
      groupid: 0,
      tagid_list: [],
      subscribe_scene: 'ADD_SCENE_QR_CODE',
      qr_scene: 0,
      qr_scene_str: '',
    }),
  );
}

function customSend({ json }: Context): Answer | number {
  if (typeof json.touser !== 'string' || json.touser === '') return 40003;
  return typeof json.msgtype === 'string' && json.msgtype !== '' ? OK : 40008;
}

const SCENE_LIMIT = 32; // characters

/** The mini program code is a picture; its errors are JSON with status 200 like all others. */
function wxacode({ world, json, account }: Context): Answer | number {
  if (typeof json.scene !== 'string' || json.scene === '') return 40097;
  if (json.scene.length > SCENE_LIMIT) return 40169;
  const bytes = new Uint8Array(world.knobs.wxacodeBytes);
  bytes.set([0xff, 0xd8, 0xff, 0xe0]); // JPEG: start of image, JFIF segment
  const mark = `${(account as Account).id}|${json.scene}`;
  for (let i = 4; i < bytes.length; i++) bytes[i] = (mark.charCodeAt(i % mark.length) + i) & 0xff;
  return { status: 200, contentType: 'image/jpeg', body: bytes, errcode: 0 };
}

export const businessEndpoints: readonly Endpoint[] = [
  {
    path: '/cgi-bin/user/info',
    method: 'GET',
    body: 'none',
    access: 'token',
    platforms: ['official-account'],
    run: userInfo,
  },
  { path: '/cgi-bin/message/custom/send', method: 'POST', body: 'json', access: 'token', run: customSend },
  {
    path: '/wxa/getwxacodeunlimit',
    method: 'POST',
    body: 'json',
    access: 'token',
    platforms: ['mini-program', 'mini-game'],
    run: wxacode,
  },
];
