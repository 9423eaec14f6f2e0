/** rid/get: what WeChat remembers of a failed call, for the same account and seven days only. */
import { type RidRecord, ridTime } from '../rid.ts';
import { RID } from '../shapes.ts';
import type { Account } from '../state/account.ts';
import { type Answer, okJson } from '../wire.ts';
import type { Context, Endpoint } from './endpoint.ts';

const DAY_MS = 86_400_000;

function get({ world, json, now, account }: Context): Answer | number {
  const rid = json.rid;
  if (typeof rid !== 'string' || !RID.test(rid)) return 76002;
  if (now - ridTime(rid) > world.knobs.ridDays * DAY_MS) return world.knobs.oldRidCode;
  const record = world.rids.get(rid);
  if (!record) return 76001;
  return record.account === (account as Account).id ? okJson(JSON.stringify(shown(record))) : 76003;
}

const shown = (record: RidRecord): object => ({
  errcode: 0,
  errmsg: 'ok',
  request: {
    invoke_time: Math.floor(record.at / 1000),
    cost_in_ms: 30,
    request_url: masked(record.query),
    request_body: record.body.replace(/("(?:app)?secret"\s*:\s*")[^"]*/g, '$1xxxx'),
    response_body: record.response,
    client_ip: record.clientIp.replace(/^(\d+)\.\d+\.\d+\./, '$1.xx.xx.'),
  },
});

/** As in the documented sample: `access_token=50_Im7xxxx`. */
const masked = (query: string): string =>
  query.replace(/\b(access_token=[^&]{1,6})[^&]*/g, '$1xxxx').replace(/\b((?:app)?secret=)[^&]*/g, '$1xxxx');

export const ridEndpoints: readonly Endpoint[] = [
  { path: '/cgi-bin/openapi/rid/get', method: 'POST', body: 'json', access: 'token', run: get },
];
