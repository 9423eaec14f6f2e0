/** `zhongkong doctor`: what is wrong, and what to do about it. */

import type { Command } from 'commander';
import { type Context, withJson, withStoreOptions } from '../context.ts';
import type { DoctorOptions } from '../doctor/command.ts';

export function doctorCommand(program: Command, context: Context): void {
  const { say } = context;
  const doctor = program
    .command('doctor')
    .description(say({ en: 'find out what is wrong, and what to do about it', zh: '诊断问题并给出处理建议' }));
  withJson(withStoreOptions(doctor, context), context)
    .addHelpText(
      'after',
      say({
        en: '\nAccounts are asked through stable_token without force_refresh, also those in classic mode: that gives the running\nstable token again and never touches a classic one. Exit code 1 when something is wrong.',
        zh: '\n检查账号时一律以 force_refresh=false 调用 stable_token（普通版账号也如此）：只会取回现有的稳定版 token，\n不影响普通版的 token。发现错误时退出码为 1。',
      }),
    )
    .action(async (options: DoctorOptions) => {
      const { runDoctor } = await import('../doctor/command.ts');
      await runDoctor(options, context);
    });
}
