/** A running server, looked at from outside: up, ready, this key accepted, and what its credentials suffer from. */

import type { Bilingual } from '../../core/failure.ts';
import type { Api, Json } from '../api.ts';
import { CliFailure } from '../failure.ts';
import { type Finding, finding } from './finding.ts';

const failed = (check: string, error: unknown, subject: string): Finding => {
  if (!(error instanceof CliFailure)) throw error;
  return finding(check, 'error', error.text, error.advice, subject);
};

export async function checkServer(api: Api): Promise<Finding[]> {
  const { base } = api;
  let findings: Finding[];
  try {
    const response = await api.send('GET', '/readyz');
    const body = (await response.json().catch(() => ({}))) as Json;
    const status = [body.status ?? `HTTP ${response.status}`, body.reason].filter((word) => word !== undefined).join(': ');
    findings = [finding('server', response.ok ? (status === 'ok' ? 'ok' : 'warning') : 'error', { en: status, zh: status }, null, base)];
  } catch (error) {
    return [failed('server', error, base)];
  }
  return [...findings, ...(await checkCauses(api)), ...(await checkCredentials(api, []))];
}

/** What the server says is wrong with it as a whole. A key that may not ask is told of by the credentials' look. */
async function checkCauses(api: Api): Promise<Finding[]> {
  const answer = await api.call('GET', '/v1/status?limit=1').catch(() => null);
  const causes = ((answer?.server as Json | undefined)?.causes ?? []) as readonly Cause[];
  return causes.map(({ code, message, advice }) =>
    finding('server', 'warning', { en: `${code}: ${message}`, zh: `${code}：${message}` }, advice),
  );
}

/** What the server says of the credentials of these accounts; of all when none is named. */
export async function checkCredentials(api: Api, ids: readonly string[]): Promise<Finding[]> {
  try {
    const items = await api.all('/v1/status', 'credentials');
    const missing = ids.filter((id) => !items.some(({ account }) => account === id));
    return [
      ...missing.map((id) => finding('credential', 'error', { en: 'no such account', zh: '没有这个账号' }, null, id)),
      ...items.filter(({ account }) => ids.length === 0 || ids.includes(String(account))).map(credential),
    ];
  } catch (error) {
    return [failed('status', error, api.base)];
  }
}

interface Cause {
  readonly code: string;
  readonly message: string;
  readonly errcode?: number;
  readonly egress_ip?: string;
  readonly advice: Bilingual;
}

/** What needs nobody, though it is not simply fine. */
const HARMLESS: ReadonlySet<string> = new Set(['account_disabled']);
/** Served on meanwhile, so worth a look and no more. */
const PASSING: ReadonlySet<string> = new Set(['outcome_unknown', 'foreign_refresh']);

function credential(item: Json): Finding {
  const { account, kind, state } = item;
  const cause = item.cause as Cause | null;
  const subject = `${String(account)} ${String(kind)}`;
  if (cause === null) return finding('credential', 'ok', { en: String(state), zh: String(state) }, null, subject);
  const { code, message, errcode, egress_ip: ip, advice } = cause;
  const level = HARMLESS.has(code) ? 'info' : PASSING.has(code) ? 'warning' : 'error';
  const said = `${String(state)}; ${errcode === undefined ? '' : `${errcode} `}${message}`;
  const seen = {
    en: ip === undefined ? '' : `; WeChat sees the server as ${ip}`,
    zh: ip === undefined ? '' : `；微信看到的服务器 IP 是 ${ip}`,
  };
  return finding('credential', level, { en: said + seen.en, zh: said + seen.zh }, advice, subject);
}
