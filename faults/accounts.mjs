/**
 * The accounts of a run. Half are stable, with lives so short that one is refreshed every 35 to 60 s. Half are classic:
 * a third of these as short-lived, refreshed by schedule; the others live 7200 s as in the real world and are refreshed
 * by order, so that their grace (300 s) and the doubt after a lost answer are the real ones.
 */

import { AUTO_SECRET, appId } from '../bench/lib/zhongkong.mjs';

/** WeChat's hand-over window of stable tokens in these runs, s: half the longest life. */
const STABLE_WINDOW_S = 60;
/** What WeChat takes for an issue, ms: so long that faults strike while one is in the air, and below the 2 s given it. */
const ISSUE_LATENCY = { ms: 100, jitter_ms: 800 };
export const LONG_LIFE_S = 7200;

/** `{ id, mode, lifeSeconds }` each. */
export function drawAccounts(count, random) {
  return Array.from({ length: count }, (_, index) => {
    const mode = index % 2 === 0 ? 'stable' : 'classic';
    const short = 70 + Math.floor(random.unit() * 51);
    return { id: appId(index + 1), mode, lifeSeconds: mode === 'classic' && index % 6 !== 1 ? LONG_LIFE_S : short };
  });
}

/** Makes them at the simulator (its base URL). */
export async function prepareWechat(simulator, accounts) {
  await put(simulator, 'knobs', { stableWindowSeconds: STABLE_WINDOW_S });
  for (const { id, lifeSeconds } of accounts)
    await put(simulator, `accounts/${id}`, { secret: AUTO_SECRET, lifetime_seconds: lifeSeconds });
  await put(simulator, 'faults', [{ fault: 'latency', ...ISSUE_LATENCY, path: ['/cgi-bin/token', '/cgi-bin/stable_token'] }]);
}

/** Adds them at a node, as an operator's script would; gives the callers' key. */
export async function addAccounts(node, adminKey, accounts) {
  const post = (path, body) => api(node.url + path, 'POST', body, { authorization: `Bearer ${adminKey}` });
  for (const { id, mode } of accounts) {
    await post('/v1/accounts', { id, platform: 'official-account', app_id: id, secret: AUTO_SECRET, mode });
  }
  const scopes = ['credential:read', 'credential:refresh'];
  const { key } = await post('/v1/keys', { name: 'callers', scopes, accounts: ['*'] });
  return key;
}

/** What WeChat knows of a token: `{ state, issued_at, valid_until, … }`. */
export const tokenAt = (simulator, value) => api(`${simulator}/_sim/tokens/${value}`, 'GET');

const put = (simulator, path, body) => api(`${simulator}/_sim/${path}`, 'PUT', body);

async function api(url, method, body, headers = {}) {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${new URL(url).pathname}: ${response.status} ${text}`);
  return JSON.parse(text);
}
