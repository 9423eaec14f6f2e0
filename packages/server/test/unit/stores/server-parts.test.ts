/** The small parts around a connection: how often it is tried, how many at a time, who is told, and what errors mean. */

import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Announcer } from '../../../src/stores/sql/announcer.ts';
import { isWorthRetryOnMysql, mysqlFault } from '../../../src/stores/sql/mysql-faults.ts';
import { isWorthRetryOnPostgres, postgresFault } from '../../../src/stores/sql/postgres-faults.ts';
import { Reconnect } from '../../../src/stores/sql/reconnect.ts';
import { ConnectFailure, ConnectionLost, FAULTS, PoolExhausted } from '../../../src/stores/sql/server-faults.ts';
import { Slots } from '../../../src/stores/sql/slots.ts';

describe('Reconnect', () => {
  test('waits twice as long each time, up to 2 s, and begins anew after a success', () => {
    let now = 0;
    const reconnect = new Reconnect(
      () => now,
      () => 0.5,
    );
    const failure = new Error('away');
    const waits = Array.from({ length: 7 }, () => {
      reconnect.assertMayTry();
      reconnect.failed(failure);
      const { waitMs } = reconnect;
      expect(() => reconnect.assertMayTry()).toThrow('away');
      now += waitMs;
      return waitMs;
    });
    expect(waits).toEqual([100, 200, 400, 800, 1600, 2000, 2000]);
    reconnect.succeeded();
    reconnect.failed(failure);
    expect(reconnect.waitMs).toBe(100);
  });

  test('spreads those that lost their connections at once', () => {
    const waits = [0, 1].map((unit) => {
      const reconnect = new Reconnect(
        () => 0,
        () => unit,
      );
      reconnect.failed(new Error('away'));
      return reconnect.waitMs;
    });
    expect(waits).toEqual([75, 125]);
  });
});

describe('with the time held', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('Slots: so many at a time, in order of arrival, and not for ever', async () => {
    const slots = new Slots(1, 1000);
    await slots.take();
    const order: string[] = [];
    const first = slots.take().then(() => order.push('first'));
    const second = slots.take().catch((error: unknown) => error);
    slots.give();
    await first;
    await vi.advanceTimersByTimeAsync(1000);
    expect(await second).toBeInstanceOf(PoolExhausted);
    // Who gave up takes no slot with it.
    slots.give();
    await slots.take();
    expect(order).toEqual(['first']);
  });

  test('Announcer: at once, then once in 20 ms however much there is to tell, the last of it included', async () => {
    let sent = 0;
    const announcer = new Announcer(async () => void (sent += 1));
    announcer.announce();
    expect(sent).toBe(1);
    for (let count = 0; count < 100; count += 1) announcer.announce();
    expect(sent).toBe(1);
    await vi.advanceTimersByTimeAsync(20);
    expect(sent).toBe(2);
    await vi.advanceTimersByTimeAsync(1000);
    expect(sent).toBe(2);
    announcer.announce();
    announcer.announce();
    await announcer.close();
    expect(sent).toBe(4);
    announcer.announce();
    expect(sent).toBe(4);
  });

  test('Announcer: a failure is nobody’s', async () => {
    const announcer = new Announcer(() => Promise.reject(new Error('away')));
    announcer.announce();
    await announcer.close();
  });
});

const postgresError = (code: string, severity = 'ERROR') => Object.assign(new pg.DatabaseError('hunter2', 7, 'error'), { code, severity });
const mysqlError = (errno: number) => Object.assign(new Error('hunter2'), { errno, sqlState: 'HY000', sql: "values ('hunter2')" });
const systemError = (code: string) => Object.assign(new Error('hunter2'), { code });

describe('what errors mean', () => {
  test.each<[unknown, keyof typeof FAULTS]>([
    [postgresFault('P', postgresError('25006')), 'readOnly'],
    [postgresFault('P', postgresError('53100')), 'full'],
    [postgresFault('P', postgresError('55P03')), 'busy'],
    [postgresFault('P', postgresError('42P01')), 'other'],
    [postgresFault('P', new ConnectFailure('', { cause: postgresError('28P01', 'FATAL') })), 'login'],
    [postgresFault('P', new ConnectFailure('', { cause: postgresError('3D000', 'FATAL') })), 'database'],
    [postgresFault('P', new ConnectFailure('', { cause: postgresError('57P03', 'FATAL') })), 'away'],
    [postgresFault('P', new ConnectFailure('', { cause: postgresError('53300', 'FATAL') })), 'crowded'],
    [postgresFault('P', new ConnectFailure('', { cause: systemError('ECONNREFUSED') })), 'unreachable'],
    [postgresFault('P', new ConnectFailure('', { cause: new AggregateError([systemError('ECONNREFUSED')]) })), 'unreachable'],
    [postgresFault('P', new ConnectFailure('', { cause: systemError('ENOTFOUND') })), 'host'],
    [postgresFault('P', new ConnectFailure('', { cause: systemError('CERT_HAS_EXPIRED') })), 'tls'],
    [postgresFault('P', new ConnectFailure('', { cause: new Error('hunter2') })), 'connect'],
    [postgresFault('P', new ConnectionLost('statement', true, systemError('ECONNRESET'))), 'lost'],
    [postgresFault('P', new ConnectionLost('statement', false, new Error('hunter2'))), 'busy'],
    [postgresFault('P', new ConnectionLost('commit', false, new Error('hunter2'))), 'lostCommit'],
    [postgresFault('P', new PoolExhausted('x')), 'busy'],
    [mysqlFault('P', mysqlError(1290)), 'readOnly'],
    [mysqlFault('P', mysqlError(1836)), 'readOnly'],
    [mysqlFault('P', mysqlError(1114)), 'full'],
    [mysqlFault('P', mysqlError(1021)), 'full'],
    [mysqlFault('P', mysqlError(1205)), 'busy'],
    [mysqlFault('P', mysqlError(1153)), 'packet'],
    [mysqlFault('P', mysqlError(1665)), 'binlog'],
    [mysqlFault('P', mysqlError(1146)), 'other'],
    [mysqlFault('P', new ConnectFailure('', { cause: mysqlError(1045) })), 'login'],
    [mysqlFault('P', new ConnectFailure('', { cause: mysqlError(1049) })), 'database'],
    [mysqlFault('P', new ConnectFailure('', { cause: mysqlError(1040) })), 'crowded'],
    [mysqlFault('P', new ConnectFailure('', { cause: systemError('HANDSHAKE_NO_SSL_SUPPORT') })), 'tls'],
  ])('%s', (error, name) => {
    const { trouble, what, advice } = FAULTS[name];
    expect(error).toMatchObject({
      code: 'store_unavailable',
      details: { trouble },
      text: { en: `P ${what.en}`, zh: `P ${what.zh}` },
      advice,
    });
    expect(`${String((error as Error).cause)} ${JSON.stringify(error)}`).not.toContain('hunter2');
  });

  test('a refused value is the caller’s affair, and quoted nowhere', () => {
    for (const error of [
      postgresFault('P', postgresError('23505')),
      postgresFault('P', postgresError('22021')),
      mysqlFault('P', mysqlError(1406)),
    ]) {
      expect(String(error)).toMatch(/refused a value/);
      expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain('hunter2');
    }
  });

  test('what is not the database’s stays what it was', () => {
    for (const error of [new Error('bug'), 'text']) {
      expect(postgresFault('P', error)).toBe(error);
      expect(mysqlFault('P', error)).toBe(error);
    }
  });

  test('tried again: what the server undid, five times; what broke before its commit, once; nothing else', () => {
    const times = (isWorth: (error: unknown, tries: number) => boolean, error: unknown) => {
      let tries = 1;
      while (isWorth(error, tries)) tries += 1;
      return tries;
    };
    for (const code of ['40001', '40P01']) expect(times(isWorthRetryOnPostgres, postgresError(code))).toBe(5);
    for (const errno of [1213, 1020]) expect(times(isWorthRetryOnMysql, mysqlError(errno))).toBe(5);
    for (const isWorth of [isWorthRetryOnPostgres, isWorthRetryOnMysql]) {
      expect(times(isWorth, new ConnectionLost('statement', true, null))).toBe(2);
      expect(times(isWorth, new ConnectionLost('statement', false, null))).toBe(1);
      expect(times(isWorth, new ConnectionLost('commit', true, null))).toBe(1);
      expect(times(isWorth, new Error('x'))).toBe(1);
    }
    expect(times(isWorthRetryOnPostgres, postgresError('25006'))).toBe(1);
    expect(times(isWorthRetryOnMysql, mysqlError(1205))).toBe(1);
  });
});
