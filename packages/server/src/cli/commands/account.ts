/** `zhongkong account …`: the accounts whose credentials are kept. */

import { type Command, Option } from 'commander';
import { APP_ID, APP_SECRET, APP_SECRET_FORM } from '../../core/account.ts';
import { PLATFORM_MODES } from '../../platforms/index.ts';
import type { Api, Json } from '../api.ts';
import { withApi } from '../connect.ts';
import { type Context, globalOptions, type StoreOptions, withJson, withStoreOptions } from '../context.ts';
import { CliFailure, wrongUsage } from '../failure.ts';
import { clean, json, list, localTime, table } from '../output.ts';
import { readSecrets } from '../secrets.ts';

interface Options extends StoreOptions {
  readonly json?: boolean;
}

interface SecretOptions extends Options {
  readonly secretFile?: string;
}

interface AddOptions extends SecretOptions {
  readonly platform: string;
  readonly appId?: string;
  readonly mode?: string;
  readonly note?: string;
  readonly disabled?: boolean;
}

const pathOf = (id: string): string => `/v1/accounts/${encodeURIComponent(id)}`;

/** Known before a secret is asked for: no one types a secret for an account that cannot be. */
const PLATFORMS = Object.keys(PLATFORM_MODES);
const MODES = [...new Set(Object.values(PLATFORM_MODES).flat())];

const SECRET_FLAG = '--secret-file';
const SECRET_VARIABLE = 'ZHONGKONG_ACCOUNT_SECRET';

export function accountCommand(program: Command, context: Context): void {
  const { io, language, say } = context;
  const account = program.command('account').description(say({ en: 'accounts whose credentials are kept', zh: '管理账号' }));

  const command = (nameAndArgs: string, en: string, zh: string): Command =>
    withJson(withStoreOptions(account.command(nameAndArgs).description(say({ en, zh })), context), context);
  const withSecret = (to: Command): Command =>
    to
      .option(
        `${SECRET_FLAG} <file>`,
        say({
          en: 'file with the AppSecret, or with two lines: first and fallback; - for standard input',
          zh: '存放 AppSecret 的文件，写两行则依次为首选和备用；- 表示标准输入',
        }),
      )
      .addHelpText(
        'after',
        say({
          en: `\nThe AppSecret comes from ${SECRET_FLAG}, from ${SECRET_VARIABLE}, or is asked for. It is never an argument.\nIn its place, an account of the platform "borrowed" has an API key of the lender (docs/borrowed.md).`,
          zh: `\nAppSecret 来自 ${SECRET_FLAG}、环境变量 ${SECRET_VARIABLE} 或交互输入，不能写在命令行上。\nborrowed 平台的账号在此填写出借方的 API key（见 docs/borrowed.zh-CN.md）。`,
        }),
      );
  const secretOf = async ({ secretFile }: SecretOptions): Promise<unknown> => {
    const secrets = await readSecrets(
      {
        what: { en: 'AppSecret', zh: 'AppSecret' },
        file: secretFile,
        fileFlag: SECRET_FLAG,
        variable: SECRET_VARIABLE,
        most: 2,
        form: { pattern: APP_SECRET, text: APP_SECRET_FORM },
      },
      io,
      language,
    );
    return secrets.length === 1 ? secrets[0] : secrets;
  };
  /** Run, then print what came of it. */
  const onAccount = async (options: Options, work: (api: Api) => Promise<Json>, done: (answer: Json) => string): Promise<void> => {
    const answer = await withApi(globalOptions(options), io, work);
    io.out(options.json ? json(answer) : done(answer));
  };

  withSecret(
    command('add <id>', 'keep an account; its id defaults to be its AppID', '添加账号；id 默认即 AppID')
      .addOption(new Option('--platform <platform>', say({ en: 'what it is', zh: '账号类型' })).choices(PLATFORMS).makeOptionMandatory())
      .option('--app-id <appid>', say({ en: 'AppID, when the id is another name', zh: 'AppID（当 id 另取名称时）' }))
      .addOption(new Option('--mode <mode>', say({ en: 'default: stable', zh: '默认 stable（稳定版）；classic 为普通版' })).choices(MODES))
      .option('--note <text>', say({ en: 'a note for people', zh: '备注' }))
      .option('--disabled', say({ en: 'add it without starting to keep it', zh: '添加后暂不启用' })),
  ).action(async (id: string, options: AddOptions) => {
    const { platform, appId, mode, note, disabled } = options;
    if (!APP_ID.test(appId ?? id)) io.err(say(strangeAppId(appId ?? id)));
    const body = {
      id,
      platform,
      ...(appId === undefined ? {} : { app_id: appId }),
      secret: await secretOf(options),
      ...(mode === undefined ? {} : { mode }),
      ...(note === undefined ? {} : { note }),
      ...(disabled ? { enabled: false } : {}),
    };
    await onAccount(
      options,
      (api) => api.call('POST', '/v1/accounts', body).catch((error: unknown) => Promise.reject(toldWhatExists(error, id))),
      () =>
        say({
          en: `added ${id}; "zhongkong account check ${id}" tells whether its secret is accepted\n`,
          zh: `已添加 ${id}；可用 “zhongkong account check ${id}” 确认其 AppSecret 是否有效\n`,
        }),
    );
  });

  command('list', 'all accounts', '列出全部账号').action(async (options: Options) => {
    const accounts = await withApi(globalOptions(options), io, (api) => api.all('/v1/accounts', 'accounts'));
    if (options.json) return io.out(json(accounts));
    const rows = accounts.map((item) => [item.id, item.platform, item.app_id, item.mode, enabledText(item), item.note].map(text));
    const header = ['ID', ...say({ en: 'PLATFORM APPID MODE ENABLED NOTE', zh: '平台 APPID 模式 启用 备注' }).split(' ')];
    io.out(table(header, rows));
    if (rows.length === 0)
      io.err(say({ en: 'no accounts yet: add one with "zhongkong account add"\n', zh: '还没有账号，请用 “zhongkong account add” 添加\n' }));
  });

  command('show <id>', 'one account, without its secret', '查看一个账号（不含秘密）').action((id: string, options: Options) =>
    onAccount(
      options,
      (api) => api.call('GET', pathOf(id)),
      (answer) => list(Object.entries(answer).map(([name, value]) => [name, fieldText(name, value)])),
    ),
  );

  withSecret(command('secret <id>', 'change the AppSecret', '更换 AppSecret')).action(async (id: string, options: SecretOptions) => {
    const secret = await secretOf(options);
    await onAccount(
      options,
      (api) => api.call('PATCH', pathOf(id), { secret }),
      () =>
        say({
          en: `changed the secret of ${id}; it is used from the next refresh on\n`,
          zh: `已更换 ${id} 的 AppSecret，下次刷新起生效\n`,
        }),
    );
  });

  for (const [name, enabled, en, zh] of [
    ['disable', false, 'stop keeping and serving an account', '停用账号'],
    ['enable', true, 'keep and serve an account again', '启用账号'],
  ] as const) {
    command(`${name} <id>`, en, zh).action((id: string, options: Options) =>
      onAccount(
        options,
        (api) => api.call('PATCH', pathOf(id), { enabled }),
        () => say({ en: `${name}d ${id}\n`, zh: `已${zh.slice(0, 2)} ${id}\n` }),
      ),
    );
  }

  command('remove <id>', 'forget an account and its credentials', '删除账号及其凭据')
    .option('--yes', say({ en: 'do not ask', zh: '不再确认' }))
    .action(async (id: string, options: Options & { readonly yes?: boolean }) => {
      if (!options.yes) {
        throw wrongUsage({
          en: `removing ${id} cannot be undone: add --yes, or use "zhongkong account disable ${id}"`,
          zh: `删除 ${id} 不可恢复：确认请加 --yes，或改用 “zhongkong account disable ${id}”`,
        });
      }
      await onAccount(
        options,
        async (api) => ({ id, removed: true, ...(await api.call('DELETE', pathOf(id))) }),
        () => say({ en: `removed ${id}\n`, zh: `已删除 ${id}\n` }),
      );
    });

  command(
    'check [id...]',
    'ask WeChat (or the lender) whether it accepts the accounts, without touching their credentials',
    '向微信（或出借方）核实账号是否可用，不影响现有凭据',
  ).action(async (ids: string[], options: Options) => {
    const { checkAccounts } = await import('../doctor/command.ts');
    await checkAccounts(ids, options, context);
  });
}

const strangeAppId = (appId: string) => ({
  en: `warning: ${clean(appId)} is taken as the AppID, but WeChat's are wx and 16 hex digits; give the AppID with --app-id\n`,
  zh: `警告：将以 ${clean(appId)} 作为 AppID，而微信的 AppID 是 wx 加 16 位十六进制字符；请用 --app-id 指定 AppID\n`,
});

/** A conflict on adding, with the commands that lead on. */
function toldWhatExists(error: unknown, id: string): unknown {
  if (!(error instanceof CliFailure) || error.code !== 'conflict') return error;
  return new CliFailure(error.exitCode, error.text, error.code, {
    en: `"zhongkong account show ${id}" (or "account list") shows it; "zhongkong account secret ${id}" changes its AppSecret.`,
    zh: `可用 “zhongkong account show ${id}”（或 “account list”）查看，用 “zhongkong account secret ${id}” 更换其 AppSecret。`,
  });
}

const text = (value: unknown): string => (value === null || value === undefined ? '' : String(value));

const enabledText = ({ enabled }: Json): string => (enabled === false ? '–' : '✓');

const fieldText = (name: string, value: unknown): string => {
  if (name.endsWith('_at') && typeof value === 'string') return localTime(value);
  if (Array.isArray(value)) return value.map(text).join(', ');
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : text(value);
};
