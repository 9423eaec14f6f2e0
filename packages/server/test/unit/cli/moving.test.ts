/** What `migrate`, `backup` and `restore` refuse before they touch anything; what they do is seen in `test/e2e/cli`. */

import { expect, test } from 'vitest';
import { run } from './world.ts';

const none = { env: {} };
const at = (to: string) => ({ env: { ZHONGKONG_MIGRATE_TO: to } });

test.each([
  ['--to and --undo', ['migrate', '--undo', '--to', 'sqlite:x.db'], none, /--to or --undo, not both/],
  ['a password in argv', ['migrate', '--to', 'postgres://u:hunter2@h/d'], none, /holds a password.*ZHONGKONG_MIGRATE_TO/],
  ['--to without a URL', ['migrate', '--to'], none, /say where to: --to URL, or ZHONGKONG_MIGRATE_TO/],
  ['an unknown scheme', ['migrate', '--to'], at('oracle://u:hunter2@h/d'), /--to: unknown scheme "oracle:"/],
  ['a store that ends with the command', ['migrate', '--to', 'memory:'], none, /ends with this command/],
  ['the configured store', ['migrate', '--to', 'sqlite:data/zhongkong.db'], none, /the configured store itself/],
  ['restore without a word', ['restore'], none, /FILE, --mark or --activate/],
  ['restore with two', ['restore', 'x.db', '--activate'], none, /FILE, --mark or --activate/],
  ['a backup onto nothing', ['backup'], none, /missing required argument 'file'/],
  ['a database restored onto itself', ['restore', 'data/zhongkong.db'], none, /the database itself/],
])('%s is wrong usage', async (_, argv, given, message) => {
  const { code, err, out } = await run(argv, given);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toMatch(message);
  expect(err).not.toContain('hunter2');
});

test('in Chinese as well', async () => {
  const { err } = await run(['migrate', '--to', 'postgres://u:hunter2@h/d', '--lang', 'zh'], none);
  expect(err).toMatch(/^错误：URL 含有密码，不能写在命令行上/);
});
