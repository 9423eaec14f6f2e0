/**
 * A secret on the command line is refused before anything reads the rest of it: every process of the machine can read
 * it there, and the library's own message about an unknown option would repeat it.
 */

import type { Bilingual } from '../core/failure.ts';
import { wrongUsage } from './failure.ts';

interface Refused {
  readonly flag: RegExp;
  readonly what: string;
  readonly instead: Bilingual;
}

const REFUSED: readonly Refused[] = [
  {
    flag: /^--(?:app-?)?secret(?:=|$)/i,
    what: 'AppSecret',
    instead: {
      en: '--secret-file FILE, ZHONGKONG_ACCOUNT_SECRET or the prompt',
      zh: '--secret-file FILE、ZHONGKONG_ACCOUNT_SECRET 或交互输入',
    },
  },
  {
    flag: /^--master-?key(?:=|$)/i,
    what: 'masterKey',
    instead: { en: 'ZHONGKONG_MASTER_KEY or --master-key-file FILE', zh: 'ZHONGKONG_MASTER_KEY 或 --master-key-file FILE' },
  },
  {
    flag: /^--admin-?key(?:=|$)/i,
    what: 'adminKey',
    instead: { en: 'ZHONGKONG_ADMIN_KEY', zh: 'ZHONGKONG_ADMIN_KEY' },
  },
  {
    flag: /^--(?:api-?)?key(?:=|$)/i,
    what: 'API key',
    instead: { en: 'ZHONGKONG_KEY', zh: 'ZHONGKONG_KEY' },
  },
];

/** Throws wrong usage; never repeats the value. */
export function refuseSecrets(argv: readonly string[]): void {
  const found = REFUSED.find(({ flag }) => argv.some((word) => flag.test(word)));
  if (!found) return;
  const { what, instead } = found;
  throw wrongUsage({
    en: `a secret never goes on the command line, where every process of this machine can read it. Give the ${what} by ${instead.en}; if this one is real, replace it`,
    zh: `秘密不能写在命令行上，本机任何进程都能看到。请改用以下方式提供 ${what}：${instead.zh}；如果刚才写的是真实的值，请更换它`,
  });
}
