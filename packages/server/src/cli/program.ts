/**
 * The command tree, and how a run of it ends: 0 done, 1 failed, 2 wrong usage, 3 wrong configuration.
 *
 * Everything a command needs of the world comes in; nothing here ends the process.
 */

import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { accountCommand } from './commands/account.ts';
import { backupCommand } from './commands/backup.ts';
import { demoCommand } from './commands/demo.ts';
import { doctorCommand } from './commands/doctor.ts';
import { keyCommand } from './commands/key.ts';
import { masterKeyCommand } from './commands/master-key.ts';
import { migrateCommand } from './commands/migrate.ts';
import { openapiCommand } from './commands/openapi.ts';
import { restoreCommand } from './commands/restore.ts';
import { serveCommand } from './commands/serve.ts';
import { tokenCommand } from './commands/token.ts';
import type { Context } from './context.ts';
import { tellFailure } from './failure.ts';
import { refuseSecrets } from './secret-argv.ts';
import { DONE, type Io, WRONG_USAGE } from './io.ts';
import { isLanguage, languageOf } from './language.ts';
import { VERSION } from '../hosts/version.ts';

const COMMANDS = [
  ...[serveCommand, demoCommand, accountCommand, keyCommand, tokenCommand, doctorCommand],
  ...[migrateCommand, backupCommand, restoreCommand, masterKeyCommand, openapiCommand],
];

/** All commands, for a run or for looking at them. */
export function createProgram(context: Context): Command {
  const { io, say } = context;
  const program = new Command('zhongkong')
    .description(say({ en: 'The central control server for WeChat credentials', zh: '微信中控服务器：统一获取、刷新和下发 access_token' }))
    .version(VERSION)
    .option('--lang <en|zh>', say({ en: 'language of messages (default: by LANG)', zh: '提示语言（默认按 LANG）' }), languageName)
    .helpCommand(false)
    .showHelpAfterError(say({ en: '(see --help)', zh: '（用法见 --help）' }))
    .addHelpText(
      'after',
      say({
        en: '\nWith ZHONGKONG_URL and ZHONGKONG_KEY set, commands work on that server; else on the store of this machine.\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 wrong configuration.',
        zh: '\n设置 ZHONGKONG_URL 和 ZHONGKONG_KEY 后命令作用于该服务，否则作用于本机的存储。\n退出码：0 成功，1 失败，2 用法错误，3 配置错误。',
      }),
    );
  for (const command of COMMANDS) command(program, context);
  everyCommand(program, (command) => command.exitOverride().configureOutput({ writeOut: io.out, writeErr: io.err }));
  return program;
}

function languageName(value: string): string {
  if (!isLanguage(value)) throw new InvalidArgumentError('use en or zh');
  return value;
}

function everyCommand(command: Command, visit: (command: Command) => void): void {
  visit(command);
  for (const inner of command.commands) everyCommand(inner, visit);
}

/** Runs one command line; gives the exit code. */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  const language = languageOf(argv, io.env);
  const context: Context = { io, language, say: (text) => text[language], exitCode: DONE };
  try {
    refuseSecrets(argv);
    await createProgram(context).parseAsync([...argv], { from: 'user' });
    return context.exitCode;
  } catch (error) {
    // Commander has said what it had to say: help and version are done, all else is wrong usage.
    if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : WRONG_USAGE;
    return tellFailure(error, io, language);
  }
}
