/** WeChat's own addresses, and the check of the push address: cheap ways to test a token. */
import type { Account } from '../state/account.ts';
import { type Answer, okJson } from '../wire.ts';
import type { Context, Endpoint } from './endpoint.ts';

const API_ADDRESSES = okJson('{"ip_list":["101.89.47.18","101.91.34.103","101.226.103.0/25"]}');
const CALLBACK_ADDRESSES = okJson('{"ip_list":["101.226.62.77","101.226.62.78","101.226.103.0/25"]}');

const ACTIONS = ['dns', 'ping', 'all'];
const OPERATORS = ['CHINANET', 'UNICOM', 'CAP', 'DEFAULT'];

function callbackCheck({ json, account }: Context): Answer | number {
  if (!ACTIONS.includes(json.action as string)) return 40202;
  if (!OPERATORS.includes(json.check_operator as string)) return 40203;
  if ((account as Account).callbackUrl === null) return 40201;
  const ip = '101.226.62.77';
  const dns = json.action === 'ping' ? {} : { dns: [{ ip, real_operator: 'UNICOM' }] };
  const ping = json.action === 'dns' ? {} : { ping: [{ ip, from_operator: 'UNICOM', package_loss: '0%', time: '23.079ms' }] };
  return okJson(JSON.stringify({ ...dns, ...ping }));
}

export const networkEndpoints: readonly Endpoint[] = [
  { path: '/cgi-bin/get_api_domain_ip', method: 'GET', body: 'none', access: 'token', run: () => API_ADDRESSES },
  { path: '/cgi-bin/getcallbackip', method: 'GET', body: 'none', access: 'token', run: () => CALLBACK_ADDRESSES },
  { path: '/cgi-bin/callback/check', method: 'POST', body: 'json', access: 'token', run: callbackCheck },
];
