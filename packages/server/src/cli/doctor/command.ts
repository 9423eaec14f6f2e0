/**
 * Puts the looks together: on a server when one is named, else on this machine with everything that a server here
 * would meet. Findings come in the order in which one would mend them.
 */

import { createUndiciUpstream } from '../../adapters/undici-upstream.ts';
import { KINDS } from '../../platforms/index.ts';
import { Api } from '../api.ts';
import { remote } from '../connect.ts';
import { type Context, globalOptions, type StoreOptions } from '../context.ts';
import { configOf } from '../global-options.ts';
import { DONE, FAILED } from '../io.ts';
import { requireStore } from '../local.ts';
import { json } from '../output.ts';
import { checkAccountSecrets, upstreamsInUse } from './accounts.ts';
import { type Finding, finding, findingLines } from './finding.ts';
import { checkFiles } from './machine.ts';
import { checkNetwork } from './network.ts';
import { checkCredentials, checkServer } from './server.ts';
import { checkStore } from './store.ts';

export interface DoctorOptions extends StoreOptions {
  readonly json?: boolean;
}

/** `zhongkong doctor`. */
export async function runDoctor(options: DoctorOptions, context: Context): Promise<void> {
  const server = remote(context.io);
  const findings = server === null ? await checkHere(options, [], true, context) : await checkServer(new Api(server));
  conclude(findings, options, context);
}

/** `zhongkong account check`: doctor's part for accounts. */
export async function checkAccounts(ids: readonly string[], options: DoctorOptions, context: Context): Promise<void> {
  const server = remote(context.io);
  const findings = server === null ? await checkHere(options, ids, false, context) : await checkCredentials(new Api(server), ids);
  conclude(findings, options, context);
}

async function checkHere(options: StoreOptions, ids: readonly string[], everything: boolean, { io }: Context): Promise<Finding[]> {
  const config = await configOf(globalOptions(options), io);
  if (!everything) requireStore(config);
  const upstream = createUndiciUpstream({ bases: config.upstreams, egressProxy: config.egressProxy });
  const { findings, store, seal } = await checkStore(config);
  try {
    const used = store && everything ? await upstreamsInUse(store.directory, KINDS) : null;
    const [machine, network] = everything
      ? await Promise.all([checkFiles(config), checkNetwork(config, upstream, Date.now, used)])
      : [[], []];
    const deps = store && seal && { directory: store.directory, seal, upstream, kinds: KINDS };
    const accounts = deps ? await checkAccountSecrets(ids, deps) : [];
    const troubles = everything ? findings : findings.filter(({ level }) => level === 'error');
    return [...troubles, ...machine, ...network, ...accounts, ...(everything ? egress(accounts) : [])];
  } finally {
    await upstream.close();
    await store?.close();
  }
}

/** WeChat names our address only when it refuses it. */
function egress(accounts: readonly Finding[]): Finding[] {
  const asked = accounts.filter(({ check, level }) => check !== 'reach' && level !== 'info');
  if (asked.length === 0 || asked.some(({ check }) => check === 'whitelist')) return [];
  return [finding('whitelist', 'ok', { en: "no account's whitelist refuses this machine", zh: '没有账号的 IP 白名单拒绝本机' })];
}

function conclude(findings: readonly Finding[], { json: asJson }: DoctorOptions, context: Context): void {
  const { io, language, say } = context;
  const count = (level: string): number => findings.filter((one) => one.level === level).length;
  const [errors, warnings] = [count('error'), count('warning')];
  context.exitCode = errors === 0 ? DONE : FAILED;
  if (asJson) return io.out(json({ ok: errors === 0, findings }));
  for (const one of findings) io.out(findingLines(one, language));
  const many = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;
  io.out(say({ en: `${many(errors, 'error')}, ${many(warnings, 'warning')}\n`, zh: `${errors} 个错误，${warnings} 个警告\n` }));
}
