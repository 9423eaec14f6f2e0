/** `zhongkong token …`: one credential, read, reported or refreshed. */

import { type Command, InvalidArgumentError } from 'commander';
import { withApi } from '../connect.ts';
import { type Context, globalOptions, type StoreOptions, withJson, withStoreOptions } from '../context.ts';
import { json } from '../output.ts';
import { readSecrets } from '../secrets.ts';

interface Options extends StoreOptions {
  readonly json?: boolean;
  readonly kind?: string;
}

/** What official accounts, mini programs and mini games have. */
const DEFAULT_KIND = 'access_token';

const pathOf = (account: string, kind: string = DEFAULT_KIND): string =>
  `/v1/accounts/${encodeURIComponent(account)}/credentials/${encodeURIComponent(kind)}`;

function seconds(value: string): number {
  if (!/^\d{1,4}$/.test(value) || Number(value) > 7200) throw new InvalidArgumentError('use 0 to 7200 seconds');
  return Number(value);
}

export function tokenCommand(program: Command, context: Context): void {
  const { io, language, say } = context;
  const token = program.command('token').description(say({ en: 'read, report or refresh one credential', zh: '读取、上报或刷新凭据' }));
  const command = (nameAndArgs: string, en: string, zh: string): Command =>
    withJson(withStoreOptions(token.command(nameAndArgs).description(say({ en, zh })), context), context).option(
      '--kind <kind>',
      say({ en: `credential kind (default: ${DEFAULT_KIND})`, zh: `凭据种类（默认 ${DEFAULT_KIND}）` }),
    );

  command('get <account>', 'print the credential, and nothing else', '只输出凭据本身')
    .option(
      '--min-ttl <seconds>',
      say({ en: 'wait for a refresh when less is left, inside the refresh window', zh: '剩余时间不足时，在刷新窗口内等待刷新' }),
      seconds,
    )
    .action(async (account: string, options: Options & { readonly minTtl?: number }) => {
      const query = options.minTtl === undefined ? '' : `?min_ttl=${options.minTtl}`;
      const answer = await withApi(globalOptions(options), io, (api) => api.call('GET', pathOf(account, options.kind) + query));
      io.out(options.json ? json(answer) : `${String(answer.value)}\n`);
    });

  command(
    'report <account>',
    'say that WeChat rejected a value: it is verified, and refreshed when it is dead',
    '上报失效：先验证，确已失效则刷新',
  )
    .option(
      '--value-file <file>',
      say({ en: 'file with the rejected value; - for standard input', zh: '存放被拒凭据的文件；- 表示标准输入' }),
    )
    .action(async (account: string, options: Options & { readonly valueFile?: string }) => {
      const what = { en: 'rejected value', zh: '被拒绝的凭据' };
      const source = { what, file: options.valueFile, fileFlag: '--value-file', variable: null, most: 1 } as const;
      const [value] = await readSecrets(source, io, language);
      const answer = await withApi(globalOptions(options), io, (api) =>
        api.call('POST', `${pathOf(account, options.kind)}/report`, { value }),
      );
      if (options.json) return io.out(json(answer));
      const { outcome, retry_after: wait } = answer;
      const later =
        typeof wait === 'number'
          ? say({ en: `; report again after ${wait} s if it is still rejected`, zh: `；若仍被拒绝，请在 ${wait} 秒后再上报` })
          : '';
      io.out(`${String(outcome)}: ${say(OUTCOMES[String(outcome)] ?? { en: '', zh: '' })}${later}\n`);
    });

  command('refresh <account>', 'issue a new credential now; the former one dies soon', '立即签发新凭据，旧凭据随后失效')
    .option('--reason <text>', say({ en: 'for the audit trail', zh: '写入审计记录的原因' }))
    .action(async (account: string, options: Options & { readonly reason?: string }) => {
      const body = { reason: options.reason ?? 'command line' };
      const answer = await withApi(globalOptions(options), io, (api) => api.call('POST', `${pathOf(account, options.kind)}/refresh`, body));
      if (options.json) return io.out(json(answer));
      const { generation, expires_in: left } = answer;
      io.out(say({ en: `generation ${generation}, good for ${left} s\n`, zh: `第 ${generation} 代，${left} 秒内有效\n` }));
    });
}

const OUTCOMES: Readonly<Record<string, { readonly en: string; readonly zh: string }>> = {
  superseded: { en: 'it had been replaced already; read the current one', zh: '该凭据早已被替换，请读取当前凭据' },
  alive: { en: 'WeChat accepts it; the rejection had another cause', zh: '微信仍接受该凭据，被拒另有原因' },
  refreshed: { en: 'it was dead; a new one is current', zh: '该凭据确已失效，已换成新的' },
  cooling_down: { en: 'it was verified a moment ago', zh: '刚刚验证过' },
  unverified: { en: 'WeChat gave no clear answer, so nothing was issued', zh: '微信没有给出明确答复，未签发新凭据' },
};
