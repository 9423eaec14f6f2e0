/** What a Redis URL may say, and that nothing of a wrong one but its mistake is shown. */

import { describe, expect, test } from 'vitest';
import { ZhongkongError } from '../../../src/core/errors.ts';
import { judge } from '../../../src/stores/redis/durability.ts';
import { redisFault } from '../../../src/stores/redis/faults.ts';
import { parseRedisUrl } from '../../../src/stores/redis/url.ts';

describe('a Redis URL', () => {
  test('alone with a host', () => {
    expect(parseRedisUrl('redis', '//db.example')).toEqual({
      host: 'db.example',
      port: 6379,
      tls: false,
      username: undefined,
      password: undefined,
      database: 0,
      prefix: 'zhongkong',
      allowVolatile: false,
      place: 'redis://db.example:6379/0',
    });
  });

  test('with everything', () => {
    expect(parseRedisUrl('rediss', '//us%40er:p%2Fa%3As%23s@[::1]:80/12?prefix=shop.test&allowVolatile=true')).toEqual({
      host: '::1',
      port: 80,
      tls: true,
      username: 'us@er',
      password: 'p/a:s#s',
      database: 12,
      prefix: 'shop.test',
      allowVolatile: true,
      place: 'rediss://[::1]:80/12',
    });
  });

  test.each([
    ['only a password', '//:secret@h', { username: undefined, password: 'secret' }],
    ['a trailing slash', '//h/', { database: 0 }],
    ['allowVolatile=false', '//h?allowVolatile=false', { allowVolatile: false }],
  ])('%s', (_, rest, expected) => {
    expect(parseRedisUrl('redis', rest)).toMatchObject(expected);
  });

  test.each([
    ['no host', '//'],
    ['no slashes', 'h:6379'],
    ['a port that is none', '//u:hush-hush@h:99999'],
    ['a name for a database', '//u:hush-hush@h/main'],
    ['a password that is not encoded', '//u:hush%-hush@h'],
    ['an unknown parameter', '//u:hush-hush@h?password=hush-hush'],
    ['a prefix with a brace', '//u:hush-hush@h?prefix=a}b'],
    ['a flag that is neither true nor false', '//u:hush-hush@h?allowVolatile=hush-hush'],
    ['a fragment: a # in a password', '//u:hush#hush@h'],
  ])('%s is refused, by its name alone', (_, rest) => {
    const error = thrown(() => parseRedisUrl('redis', rest));
    expect(error.code).toBe('config_invalid');
    expect(error.message).toMatch(/^store: /);
    expect(error.message).not.toMatch(/hush/);
  });
});

describe('what a server can be trusted with', () => {
  const place = 'redis://h:6379/0';
  const durable = { version: '7.0.15', appendonly: 'yes', appendfsync: 'always', maxmemoryPolicy: 'noeviction' };

  test('nothing to say of a durable one', () => {
    expect(judge(durable, { place, allowVolatile: false })).toEqual([]);
  });

  test.each([
    ['no append-only file', { appendonly: 'no' }, 'appendonly no'],
    ['eviction', { maxmemoryPolicy: 'allkeys-lru' }, 'maxmemory-policy allkeys-lru'],
    ['one that does not tell', { appendonly: null }, 'appendonly unknown'],
  ])('%s is refused by name, and allowed with a warning', (_, facts, said) => {
    const refused = thrown(() => judge({ ...durable, ...facts }, { place, allowVolatile: false }));
    expect(refused.code).toBe('config_invalid');
    expect(refused.message).toContain(said);
    expect(refused.advice.en).toContain('allowVolatile=true');
    expect(refused.advice.zh).toContain('allowVolatile=true');
    const [warning] = judge({ ...durable, ...facts }, { place, allowVolatile: true });
    expect(warning?.en).toContain(said);
  });

  test.each(['everysec', 'no', null])('appendfsync %s is a warning', (appendfsync) => {
    expect(judge({ ...durable, appendfsync }, { place, allowVolatile: false })).toHaveLength(1);
  });

  test('too old a version is refused, whatever is allowed', () => {
    expect(thrown(() => judge({ ...durable, version: '5.0.14' }, { place, allowVolatile: true })).message).toContain('5.0.14');
  });
});

describe('faults', () => {
  const place = 'rediss://h:6379/0';
  const coded = (code: string) => Object.assign(new Error('connect failed'), { code });

  test.each([
    ['WRONGPASS invalid username-password pair or user is disabled.', /password/],
    ['NOAUTH Authentication required.', /password/],
    ["NOPERM this user has no permissions to run the 'evalsha' command", /forbids/],
    ["READONLY You can't write against a read only replica.", /replica/],
    ["OOM command not allowed when used memory > 'maxmemory'.", /out of memory/],
    ['MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist on disk.', /save to its disk/],
    ['LOADING Redis is loading the dataset in memory', /loading/],
    ['BUSY Redis is busy running a script.', /script/],
    ['MOVED 3999 127.0.0.1:6381', /Cluster/],
    ['NOREPLICAS Not enough good replicas to write.', /too few replicas/],
    ['ERR DB index is out of range', /no database/],
    ["ERR unknown command 'evalsha', with args beginning with: ", /Lua/],
    ['Command timed out', /in time/],
    ["Stream isn't writeable and enableOfflineQueue options is false", /reached/],
    ['something new', /refused an operation/],
  ])('%s', (message, said) => {
    const fault = redisFault(place, new Error(message));
    expect(fault.code).toBe('store_unavailable');
    expect(fault.message).toMatch(new RegExp(`^${place} `));
    expect(fault.message).toMatch(said);
    expect(fault.advice.zh).toMatch(/[\u4e00-\u9fff]/);
  });

  test.each([
    ['ECONNREFUSED', /reached/],
    ['ENOTFOUND', /not known/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /certificate/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /certificate/],
  ])('%s', (code, said) => {
    expect(redisFault(place, coded(code)).message).toMatch(said);
  });

  test('why the connection is closed says more than that it is', () => {
    expect(redisFault(place, new Error('Connection is closed.'), coded('ENOTFOUND')).message).toMatch(/not known/);
    // But only then.
    expect(redisFault(place, new Error('OOM command not allowed'), coded('ENOTFOUND')).message).toMatch(/memory/);
  });

  test('a cause has no arguments: they hold sealed secrets, or the password', () => {
    const error = Object.assign(new Error('WRONGPASS no'), { command: { name: 'auth', args: ['hush-hush'] } });
    expect(JSON.stringify(Object.getOwnPropertyNames(redisFault(place, error).cause))).not.toMatch(/command/);
    const quoted = redisFault(place, new Error("ERR unknown command 'AUTH', with args beginning with: 'hush-hush' "));
    expect(String(quoted.cause)).not.toMatch(/hush/);
  });
});

function thrown(action: () => unknown): ZhongkongError {
  try {
    action();
  } catch (error) {
    if (error instanceof ZhongkongError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
