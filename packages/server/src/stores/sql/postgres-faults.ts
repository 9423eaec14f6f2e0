/** What PostgreSQL's codes mean for us (https://www.postgresql.org/docs/current/errcodes-appendix.html). */

import pg from 'pg';
import { connectionFault, type FaultName, isWorthRetry, RefusedValue, serverFault } from './server-faults.ts';

const BY_CODE: Readonly<Record<string, FaultName>> = {
  '28P01': 'login',
  '28000': 'login',
  '3D000': 'database',
  '42501': 'rights',
  '3F000': 'rights',
  '25006': 'readOnly',
  '53100': 'full',
  '53300': 'crowded',
  '53200': 'crowded',
  '55P03': 'busy',
  '57014': 'busy',
  '57P01': 'away',
  '57P02': 'away',
  '57P03': 'away',
  '57P05': 'lost',
  '25P03': 'lost',
  '58030': 'full',
};

/** Classes "data exception" and "integrity constraint violation". */
const REFUSED_VALUE = /^2[23]/;
const UNIQUE = '23505';
/** The server undid the transaction: serialization failure, deadlock. */
const UNDONE: ReadonlySet<string> = new Set(['40001', '40P01']);

function codeOf(error: unknown): string {
  if (error instanceof RefusedValue) return String(error.code);
  return error instanceof pg.DatabaseError ? (error.code ?? '') : '';
}
/** The driver's own words, which have no code. */
const NO_TLS = /does not support SSL connections/;
const byCode = (error: unknown): FaultName | undefined =>
  BY_CODE[codeOf(error)] ?? (error instanceof Error && NO_TLS.test(error.message) ? 'tls' : undefined);

export const isDuplicate = (error: unknown): boolean => codeOf(error) === UNIQUE;

export const isWorthRetryOnPostgres = (error: unknown, tries: number): boolean =>
  isWorthRetry(error, tries, (one) => UNDONE.has(codeOf(one)));

/** The error that a driver's error means for the database at `place`; errors of others come back as they are. */
export function postgresFault(place: string, error: unknown): unknown {
  const lost = connectionFault(place, error, byCode);
  if (lost) return lost;
  if (!(error instanceof pg.DatabaseError)) return error;
  if (REFUSED_VALUE.test(codeOf(error))) return new RefusedValue(codeOf(error));
  return serverFault(place, byCode(error) ?? 'other', error);
}
