/** Secrets that come as files, by the variables that name them. */

import { describe, expect, it } from 'vitest';
import { OPTIONS } from '../../../src/config/options.ts';
import { load, mistakes, withFolder } from './fixtures.ts';

const ADMIN = 'admin-key-0123456789-abcdefgh';
const SHOP = 'shop-key-0123456789-abcdefgh';
const MASTER = Buffer.alloc(32, 7).toString('base64');

describe('a variable with _FILE', () => {
  it('is there for every option with a secret, and for no other', () => {
    const names = OPTIONS.flatMap(({ envFile }) => envFile ?? []);
    expect(names).toEqual([
      ...[
        'ZHONGKONG_STORE_FILE',
        'ZHONGKONG_ADMIN_KEY_FILE',
        'ZHONGKONG_CRON_SECRET_FILE',
        'ZHONGKONG_ACCOUNTS_FILE',
        'ZHONGKONG_KEYS_FILE',
      ],
      'ZHONGKONG_EGRESS_PROXY_FILE',
    ]);
  });

  it('brings the value that is in the file, in the form of its option', async () => {
    const key = { name: 'shop', key: SHOP, scopes: ['credential:read'], accounts: ['*'] };
    const files = { store: 'postgres://u:p@db:5432/zk\n', admin: ` ${ADMIN}\r\n`, keys: JSON.stringify([key]) };
    await withFolder(files, async (cwd) => {
      const config = await load({
        cwd,
        env: {
          ZHONGKONG_STORE_FILE: `${cwd}/store`,
          ZHONGKONG_ADMIN_KEY_FILE: 'admin',
          ZHONGKONG_KEYS_FILE: 'keys',
          ZHONGKONG_MASTER_KEY: MASTER,
        },
      });
      expect(config.store).toBe('postgres://u:p@db:5432/zk');
      expect(config.adminKey).toBe(ADMIN);
      expect(config.keys).toEqual([expect.objectContaining({ name: 'shop', key: SHOP })]);
    });
  });

  it('wins over the configuration file', async () => {
    await withFolder({ 'zhongkong.yaml': 'adminKey: another-key-0123456789-abcdef\n', admin: ADMIN }, async (cwd) => {
      expect((await load({ cwd, env: { ZHONGKONG_ADMIN_KEY_FILE: 'admin' } })).adminKey).toBe(ADMIN);
    });
  });

  it.each([
    ['a file that is not there', { ZHONGKONG_ADMIN_KEY_FILE: '/gone' }, 'ZHONGKONG_ADMIN_KEY_FILE: the file /gone cannot be read (ENOENT)'],
    ['an empty file', { ZHONGKONG_ADMIN_KEY_FILE: 'empty' }, /^ZHONGKONG_ADMIN_KEY_FILE: the file .*empty is empty$/],
    ['no path', { ZHONGKONG_ADMIN_KEY_FILE: '' }, 'ZHONGKONG_ADMIN_KEY_FILE is empty: give it a path, or unset it'],
    [
      'both forms',
      { ZHONGKONG_ADMIN_KEY: ADMIN, ZHONGKONG_ADMIN_KEY_FILE: 'wrong' },
      'ZHONGKONG_ADMIN_KEY and ZHONGKONG_ADMIN_KEY_FILE are both set: keep one',
    ],
    [
      'a value that is wrong, which stays hidden,',
      { ZHONGKONG_ADMIN_KEY_FILE: 'wrong' },
      'adminKey must be 24 to 128 of A-Z a-z 0-9 _ . -, got (secret) (from ZHONGKONG_ADMIN_KEY_FILE)',
    ],
    ['no JSON', { ZHONGKONG_KEYS_FILE: 'wrong' }, 'keys must be JSON, got (secret) (from ZHONGKONG_KEYS_FILE)'],
    ['an option that has no such form', { ZHONGKONG_LISTEN_FILE: 'wrong' }, /^ZHONGKONG_LISTEN_FILE is no environment variable/],
  ])('with %s stops the start', async (_, env: Record<string, string>, line) => {
    await withFolder({ empty: '\n', wrong: 'p@ss word' }, async (cwd) => {
      expect(await mistakes({ cwd, env })).toEqual([typeof line === 'string' ? line : expect.stringMatching(line)]);
    });
  });
});
