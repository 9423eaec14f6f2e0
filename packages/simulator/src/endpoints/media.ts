/**
 * media/upload: enough of multipart/form-data to tell a good upload from a bad one. A malformed one is
 * answered with HTTP 412 (seen in the field on sibling endpoints), a well-formed one without a part
 * named `media` with 41005.
 */
import { queryParam } from '../params.ts';
import { makeMediaId } from '../shapes.ts';
import type { Account } from '../state/account.ts';
import { type Answer, okJson } from '../wire.ts';
import type { Context, Endpoint } from './endpoint.ts';

const TYPES = ['image', 'voice', 'video', 'thumb'];
const latin1 = new TextDecoder('latin1');
const MALFORMED: Answer = { status: 412, contentType: 'text/plain', body: '', errcode: 412 };

function upload({ world, call, now, account }: Context): Answer | number {
  const type = queryParam(call.query, 'type') ?? '';
  if (!TYPES.includes(type)) return 40004;
  const contentType = call.header('content-type') ?? '';
  const boundary = /^multipart\/form-data\s*;.*\bboundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType);
  const mark = boundary?.[1] ?? boundary?.[2];
  if (!mark || !call.body) return MALFORMED;
  const text = latin1.decode(call.body);
  if (!text.startsWith(`--${mark}\r\n`) || !text.includes(`\r\n--${mark}--`)) return MALFORMED;
  const heads = text.split(`--${mark}\r\n`).map((part) => part.slice(0, Math.max(0, part.indexOf('\r\n\r\n'))));
  if (!heads.some((head) => /content-disposition:[^\r\n]*\bname="?media"?(?=[;\s]|$)/i.test(head))) return 41005;
  const mediaId = makeMediaId(`${world.seed}|${(account as Account).id}|media|${now}|${text.length}`);
  return okJson(JSON.stringify({ type, media_id: mediaId, created_at: Math.floor(now / 1000) }));
}

export const mediaEndpoints: readonly Endpoint[] = [
  { path: '/cgi-bin/media/upload', method: 'POST', body: 'raw', access: 'token', run: upload },
];
