/** `zhongkong key …`: the API keys that callers hold. */

import { type Command, InvalidArgumentError } from 'commander';
import { SCOPES } from '../../core/api-key.ts';
import type { Api } from '../api.ts';
import { withApi } from '../connect.ts';
import { type Context, globalOptions, type StoreOptions, withJson, withStoreOptions } from '../context.ts';
import { CliFailure, wrongUsage } from '../failure.ts';
import { FAILED } from '../io.ts';
import { OPERATOR_KEY_ID } from '../operator-key.ts';
import { clean, json, localTime, table } from '../output.ts';

interface Options extends StoreOptions {
  readonly json?: boolean;
}

interface CreateOptions extends Options {
  readonly name?: string;
  readonly scope: string[];
  readonly account: string[];
  readonly kind: string[];
  readonly cidr: string[];
  readonly expires?: string;
  readonly callsPerMinute?: number;
  readonly sealed?: boolean;
}

/** Scopes that are about no account in particular. */
const WITHOUT_ACCOUNT: ReadonlySet<string> = new Set(['admin', 'metrics', 'tick']);

const UNIT_MS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000 };

/** `30d`, `12h`, `15m` from now on, or an RFC 3339 time; as RFC 3339. */
function expiry(value: string): string {
  const [, count, unit] = /^(\d{1,5})([dhm])$/.exec(value) ?? [];
  const at = count === undefined ? Date.parse(value) : Date.now() + Number(count) * (UNIT_MS[unit ?? ''] ?? 0);
  if (count === undefined && !/^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(value))
    throw new InvalidArgumentError('use 30d, 12h, 15m or 2027-01-31T00:00:00Z');
  if (Number.isNaN(at)) throw new InvalidArgumentError('no such time');
  return new Date(at).toISOString();
}

function positive(value: string): number {
  if (!/^[1-9]\d{0,6}$/.test(value)) throw new InvalidArgumentError('use a whole number from 1');
  return Number(value);
}

const also = (value: string, before: string[] = []): string[] => [...before, ...value.split(',').map((item) => item.trim())];

/** Names what has none, so that no two collide: `admin-20270131-080000`. */
const ownName = (scopes: readonly string[]): string => {
  const stamp = new Date()
    .toISOString()
    .replace(/[-:]|\..*$/g, '')
    .replace('T', '-');
  return `${(scopes[0] ?? 'key').replace(':', '-')}-${stamp}`;
};

export function keyCommand(program: Command, context: Context): void {
  const { io, say } = context;
  const key = program.command('key').description(say({ en: 'API keys that callers hold', zh: '管理调用方的 API key' }));
  const command = (nameAndArgs: string, en: string, zh: string): Command =>
    withJson(withStoreOptions(key.command(nameAndArgs).description(say({ en, zh })), context), context);

  command('create', 'make a key and print it, once', '创建 key 并显示一次')
    .requiredOption('--scope <scope>', `${SCOPES.join(', ')}; ${say({ en: 'repeatable', zh: '可重复' })}`, also)
    .option('--account <id>', say({ en: 'account it may use, or "*"; repeatable', zh: '可使用的账号，"*" 表示全部；可重复' }), also, [])
    .option('--name <name>', say({ en: 'unique name', zh: '唯一的名称' }))
    .option(
      '--kind <kind>',
      say({ en: 'credential kind it may read (default: all); repeatable', zh: '可读取的凭据种类（默认全部）；可重复' }),
      also,
      [],
    )
    .option(
      '--cidr <cidr>',
      say({ en: 'network it may be used from (default: all); repeatable', zh: '允许使用的网段（默认不限）；可重复' }),
      also,
      [],
    )
    .option(
      '--expires <when>',
      say({ en: '30d, 12h, 15m, or an RFC 3339 time (default: never)', zh: '30d、12h、15m 或 RFC 3339 时间（默认不过期）' }),
      expiry,
    )
    .option('--calls-per-minute <n>', say({ en: 'limit per process (default: none)', zh: '每进程每分钟调用上限（默认不限）' }), positive)
    .option('--sealed', say({ en: 'hand out sealed tokens only', zh: '只下发封装过的 token' }))
    .action(async (options: CreateOptions) => {
      const { scope, account, kind, cidr, expires, callsPerMinute, sealed } = options;
      const unknown = scope.find((name) => !(SCOPES as readonly string[]).includes(name));
      if (unknown !== undefined) {
        throw wrongUsage({
          en: `no such scope: ${unknown}; use ${SCOPES.join(', ')}`,
          zh: `没有 ${unknown} 这个权限，可用：${SCOPES.join('、')}`,
        });
      }
      if (account.length === 0 && !scope.every((name) => WITHOUT_ACCOUNT.has(name))) {
        throw wrongUsage({
          en: 'say which accounts it may use: --account ID, or --account "*"',
          zh: '请指明可使用的账号：--account ID，或 --account "*"',
        });
      }
      const body = {
        name: options.name ?? ownName(scope),
        scopes: scope,
        accounts: account.length === 0 ? ['*'] : account,
        ...(kind.length === 0 ? {} : { kinds: kind }),
        ...(cidr.length === 0 ? {} : { cidrs: cidr }),
        ...(expires === undefined ? {} : { expires_at: expires }),
        ...(callsPerMinute === undefined ? {} : { calls_per_minute: callsPerMinute }),
        sealed: sealed === true,
      };
      const answer = await withApi(globalOptions(options), io, async (api) => {
        // Before the key is made: its text must not be lost to a question that fails.
        for (const id of await unknownAccounts(api, body.accounts)) io.err(say(noAccountYet(id)));
        return api.call('POST', '/v1/keys', body);
      });
      if (options.json) return io.out(json(answer));
      io.out(`${String(answer.key)}\n`);
      const id = String(answer.id);
      io.err(
        say({ en: `created ${body.name} (${id}); the key is shown this once\n`, zh: `已创建 ${body.name}（${id}），key 只显示这一次\n` }),
      );
    });

  command('list', 'all keys, without the keys themselves', '列出全部 key（不含 key 本身）').action(async (options: Options) => {
    const all = await withApi(globalOptions(options), io, (api) => api.all('/v1/keys', 'keys'));
    // The command's own key, gone when it ends.
    const keys = all.filter(({ id }) => id !== OPERATOR_KEY_ID);
    if (options.json) return io.out(json(keys));
    const names = (value: unknown): string => (Array.isArray(value) ? value.join(',') : '');
    const when = (value: unknown): string => localTime(typeof value === 'string' ? value : null);
    const rows = keys.map(({ id, name, scopes, accounts, cidrs, expires_at, revoked_at }) => [
      String(id),
      String(name),
      names(scopes),
      names(accounts),
      Array.isArray(cidrs) ? names(cidrs) : '–',
      when(expires_at),
      when(revoked_at),
    ]);
    io.out(
      table(
        ['ID', ...say({ en: 'NAME SCOPES ACCOUNTS CIDRS EXPIRES REVOKED', zh: '名称 权限 账号 网段 过期时间 吊销时间' }).split(' ')],
        rows,
      ),
    );
  });

  command('revoke <id-or-name>', 'end a key; running servers refuse it within 5 s', '吊销 key，运行中的服务 5 秒内生效').action(
    async (given: string, options: Options) => {
      const id = await withApi(globalOptions(options), io, async (api) => {
        const found = await keyIdOf(api, given);
        await api.call('DELETE', `/v1/keys/${encodeURIComponent(found)}`);
        return found;
      });
      const shown = id === given ? id : `${given} (${id})`;
      io.out(options.json ? json({ id, revoked: true }) : say({ en: `revoked ${shown}\n`, zh: `已吊销 ${shown}\n` }));
    },
  );
}

/** The id of the key with this id, or of the one that has this name and is not revoked: names are unique among those. */
async function keyIdOf(api: Api, given: string): Promise<string> {
  const keys = await api.all('/v1/keys', 'keys');
  const found = keys.find(({ id }) => id === given) ?? keys.find(({ name, revoked_at }) => name === given && revoked_at === null);
  if (typeof found?.id === 'string') return found.id;
  const text = { en: `no key has the id or name ${given}`, zh: `没有 id 或名称为 ${given} 的有效 key` };
  throw new CliFailure(FAILED, text, 'not_found', {
    en: '"zhongkong key list" shows ids and names.',
    zh: '可用 “zhongkong key list” 查看 id 和名称。',
  });
}

async function unknownAccounts(api: Api, ids: readonly string[]): Promise<readonly string[]> {
  const unknown: string[] = [];
  for (const id of new Set(ids)) {
    if (id === '*') continue;
    const { status } = await api.send('GET', `/v1/accounts/${encodeURIComponent(id)}`);
    if (status === 404) unknown.push(id);
  }
  return unknown;
}

/** It may come later, so this is no mistake. */
const noAccountYet = (id: string) => ({
  en: `warning: there is no account ${clean(id)} yet; the key will read it once it is added\n`,
  zh: `警告：目前没有账号 ${clean(id)}，添加之后这个 key 才能读取它\n`,
});
