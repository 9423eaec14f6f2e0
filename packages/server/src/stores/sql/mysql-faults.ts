/** What the numbers of MariaDB and MySQL mean for us (https://mariadb.com/kb/en/mariadb-error-codes/). */

import { connectionFault, type FaultName, isWorthRetry, RefusedValue, serverFault } from './server-faults.ts';

const BY_NUMBER: Readonly<Record<number, FaultName>> = {
  1045: 'login',
  1130: 'login',
  1698: 'login',
  1862: 'login',
  1049: 'database',
  1044: 'rights',
  1142: 'rights',
  1143: 'rights',
  1227: 'rights',
  1370: 'rights',
  1290: 'readOnly',
  1792: 'readOnly',
  1836: 'readOnly',
  3: 'full',
  1021: 'full',
  1026: 'full',
  1030: 'full',
  1114: 'full',
  1040: 'crowded',
  1203: 'crowded',
  1226: 'crowded',
  1129: 'crowded',
  1205: 'busy',
  1317: 'busy',
  1969: 'busy',
  3024: 'busy',
  1053: 'away',
  1927: 'lost',
  4031: 'lost',
  1153: 'packet',
  1665: 'binlog',
};

const DUPLICATE = 1062;
/** An index of that name, a column of that name. */
const THERE: ReadonlySet<number> = new Set([1061, 1060]);
/** The server undid the transaction: deadlock, or a record that changed under a snapshot. */
const UNDONE: ReadonlySet<number> = new Set([1213, 1020]);
/** Duplicate, too long, out of range, null. */
const REFUSED_VALUE: ReadonlySet<number> = new Set([1048, 1062, 1264, 1366, 1406]);

const isServerError = (error: unknown): error is Error & { readonly errno: number } =>
  error instanceof Error && 'errno' in error && typeof error.errno === 'number' && 'sqlState' in error && error.errno > 0;
function numberOf(error: unknown): number {
  if (error instanceof RefusedValue) return Number(error.code);
  return isServerError(error) ? error.errno : 0;
}
const byNumber = (error: unknown): FaultName | undefined => BY_NUMBER[numberOf(error)];

export const isDuplicate = (error: unknown): boolean => numberOf(error) === DUPLICATE;
export const isThere = (error: unknown): boolean => THERE.has(numberOf(error));

export const isWorthRetryOnMysql = (error: unknown, tries: number): boolean =>
  isWorthRetry(error, tries, (one) => UNDONE.has(numberOf(one)));

/** The error that a driver's error means for the database at `place`; errors of others come back as they are. */
export function mysqlFault(place: string, error: unknown): unknown {
  const lost = connectionFault(place, error, byNumber);
  if (lost) return lost;
  if (!isServerError(error)) return error;
  if (REFUSED_VALUE.has(error.errno)) return new RefusedValue(error.errno);
  return serverFault(place, byNumber(error) ?? 'other', error);
}
