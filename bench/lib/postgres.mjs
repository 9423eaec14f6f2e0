/** A database of a benchmark's own on the PostgreSQL of this machine, or on the one that ZHONGKONG_TEST_POSTGRES names. */

import pg from 'pg';
import { cpuUs } from './process.mjs';

const SERVER = process.env.ZHONGKONG_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** `{ url, pool }`; dropped at the end. Rejects when there is no server. */
export async function ownDatabase(atEnd) {
  const name = `zhongkong_bench_${process.pid}`;
  const admin = new pg.Client({ connectionString: SERVER });
  await admin.connect();
  atEnd(() => admin.end());
  await admin.query(`create database ${name}`);
  atEnd(() => admin.query(`drop database ${name} with (force)`));
  const url = Object.assign(new URL(SERVER), { pathname: `/${name}` }).href;
  const pool = new pg.Pool({ connectionString: url, max: 10 });
  pool.on('error', () => undefined);
  atEnd(() => pool.end());
  return { url, pool };
}

/**
 * CPU time used so far by the backends that serve this database, µs; null where the server runs elsewhere. A backend
 * that ended meanwhile takes its time along, so keep what is compared within the life of the connections.
 */
export async function backendsCpuUs(pool) {
  const { rows } = await pool.query('select pid from pg_stat_activity where datname = current_database()');
  const times = rows.map(({ pid }) => cpuUs(pid)).filter((time) => time !== null);
  return times.length === 0 ? null : times.reduce((sum, time) => sum + time, 0);
}
