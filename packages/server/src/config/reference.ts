/**
 * `docs/configuration.md`, made from the schema: what is written there cannot differ from what is accepted.
 *
 * A test compares the file with this text; `npx vitest run --project unit packages/server/test/unit/config -u` rewrites it.
 */

import type { z } from 'zod';
import { accountSchema, keySchema } from './declared.ts';
import { docOf, type OptionDoc } from './option-doc.ts';
import { defOf, OPTIONS, type Option } from './options.ts';

const HEAD = `# Configuration · 配置

This page is generated from the schema; a test keeps it current. 本页由配置 schema 生成，并有测试保证与代码一致。

Order: defaults ← \`zhongkong.yaml\` (or \`zhongkong.json\`, or \`--config FILE\`) ← environment ← flags of \`zhongkong serve\`.
Unknown names and wrong values stop the start (exit code 3); all mistakes are listed at once. Lists are given as
comma-separated texts in the environment and in flags, \`accounts\` and \`keys\` as JSON in the environment. Relative paths
count from the working directory. Secrets have no flag: argv is visible to every process of the machine. A variable with
\`_FILE\` names a file that holds the value instead, as container platforms and systemd hand secrets over.

优先级：默认值 ← \`zhongkong.yaml\`（或 \`zhongkong.json\`，或 \`--config FILE\`）← 环境变量 ← \`zhongkong serve\` 的命令行参数。
未知的名称和错误的取值会阻止启动（退出码 3），并一次列出全部错误。列表在环境变量和命令行参数中用逗号分隔，
\`accounts\` 和 \`keys\` 在环境变量中写成 JSON。相对路径以工作目录为准。秘密没有对应的命令行参数，因为本机任何进程都能看到 argv。
带 \`_FILE\` 的变量改为指定存放该值的文件，适合容器平台和 systemd 以文件形式下发的秘密。
`;

const COMMAND_LINE = `## Variables of the command line · 命令行的环境变量

| | |
|---|---|
| \`ZHONGKONG_URL\`, \`ZHONGKONG_KEY\` | The server that commands work on, and an API key for it; without them they work on the store of this machine.<br>命令所操作的服务地址及其 API key；不设置则直接操作本机的存储。 |
| \`ZHONGKONG_ACCOUNT_SECRET\` | The AppSecret for \`account add\` and \`account secret\`.<br>\`account add\`、\`account secret\` 使用的 AppSecret。 |
| \`ZHONGKONG_MIGRATE_TO\` | The store that \`migrate --to\` fills, where its URL holds a password.<br>\`migrate --to\` 的目标存储；URL 中含密码时用它。 |
| \`ZHONGKONG_DEBUG=1\` | Where in the code an unexpected fault happened.<br>发生意外错误时输出代码位置。 |
`;

const EXAMPLE = `## Example · 示例

\`\`\`yaml
listen: 0.0.0.0:8700
trustedProxies: [10.0.0.0/8]
accounts:
  - id: wx0123456789abcdef
    platform: official-account
    secretFile: /run/secrets/wechat
  - id: shop
    app_id: wxfedcba9876543210
    platform: mini-program
    mode: classic
    secretFile: /run/secrets/shop
\`\`\`
`;

const cell = (text: string): string => text.replaceAll('|', '\\|');

function defaultText({ defaultValue, doc }: Option): string {
  if (doc.defaultText) return `${doc.defaultText.en} · ${doc.defaultText.zh}`;
  if (defaultValue === undefined || defaultValue === null) return '–';
  if (Array.isArray(defaultValue)) return '`[]`';
  return `\`${String(defaultValue)}\``;
}

const words = ({ en, zh }: OptionDoc): string => cell(`${en}<br>${zh}`);

function optionRow(option: Option): string {
  const { name, env, envFile, flag, doc } = option;
  const variables = [env, envFile].flatMap((variable) => (variable === null ? [] : `\`${variable}\``)).join('<br>');
  return `| \`${name}\` | ${variables} | ${flag === null ? '–' : `\`${flag}\``} | ${defaultText(option)} | ${words(doc)} |`;
}

function fieldRow([name, schema]: [string, z.ZodType]): string {
  const doc = docOf(schema);
  if (!doc) throw new Error(`the field ${name} has no description`);
  const { type } = defOf(schema);
  return `| \`${name}\` | ${type === 'optional' || type === 'default' ? '' : '✓'} | ${words(doc)} |`;
}

function fields(title: string, note: string, shape: Readonly<Record<string, z.ZodType>>): string {
  const rows = Object.entries(shape).map(fieldRow);
  return [`## ${title}`, '', note, '', '| field · 字段 | required · 必填 | |', '|---|---|---|', ...rows, ''].join('\n');
}

/** The whole page, Markdown. */
export function renderReference(): string {
  const rows = OPTIONS.map(optionRow);
  const options = [
    '| option · 选项 | environment · 环境变量 | flag · 参数 | default · 默认 | |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
  const accounts = fields(
    'An account · 账号',
    'One item of `accounts`; `id` or `app_id`, and `secret` or `secretFile`. `accounts` 的一项；`id` 与 `app_id` 至少填一个，`secret` 与 `secretFile` 二选一。',
    accountSchema.shape,
  );
  const keys = fields('An API key · API key', 'One item of `keys`. `keys` 的一项。', keySchema.shape);
  return [HEAD, options, accounts, keys, COMMAND_LINE, EXAMPLE].join('\n');
}
