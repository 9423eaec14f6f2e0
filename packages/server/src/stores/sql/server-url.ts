/**
 * The URL of a database server, taken apart: `postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full`.
 *
 * Whatever it does not know it refuses by name: a mistyped `sslmode` must not become a connection without TLS. No
 * message shows the user, the password or the value of a parameter.
 */

import { readFileSync } from 'node:fs';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { ZhongkongError } from '../../core/errors.ts';

/** What one kind of server is called, and where it listens unless told otherwise. */
export interface ServerKind {
  readonly scheme: string;
  readonly name: string;
  readonly port: number;
}

export const POSTGRES: ServerKind = { scheme: 'postgres', name: 'PostgreSQL', port: 5432 };
export const MYSQL: ServerKind = { scheme: 'mysql', name: 'MySQL', port: 3306 };

export interface ServerUrl {
  readonly host: string;
  readonly port: number;
  /** Folder or file of a Unix socket, instead of host and port. */
  readonly socket: string | null;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Null: no TLS. */
  readonly tls: TlsOptions | null;
  /** Most connections of one process. */
  readonly connections: number;
  /** What messages call it. */
  readonly place: string;
}

const CONNECTIONS = { default: 10, least: 2, most: 200 };

/** Libpq's words; without a mode, and unless a mode asks for TLS, there is none. */
const TLS_MODES: Readonly<Record<string, (ca: string | undefined) => TlsOptions | null>> = {
  disable: () => null,
  // Encrypted, but to whoever answers; with a CA, libpq takes it as verify-ca.
  require: (ca) => (ca === undefined ? { rejectUnauthorized: false } : { ca, rejectUnauthorized: true, checkServerIdentity: anyName }),
  'verify-ca': (ca) => ({ ...(ca === undefined ? {} : { ca }), rejectUnauthorized: true, checkServerIdentity: anyName }),
  'verify-full': (ca) => ({ ...(ca === undefined ? {} : { ca }), rejectUnauthorized: true }),
};
const anyName = (): undefined => undefined;

/** Throws `config_invalid`. */
export function parseServerUrl(text: string, { scheme, name, port: defaultPort }: ServerKind): ServerUrl {
  const wrong = (what: string): ZhongkongError =>
    new ZhongkongError('config_invalid', `store: ${what}`, {
      advice: {
        en: `Write it as ${scheme}://USER:PASSWORD@HOST:${defaultPort}/DATABASE?sslmode=verify-full; percent-encode special characters of the password (@ is %40, # is %23).`,
        zh: `格式为 ${scheme}://USER:PASSWORD@HOST:${defaultPort}/DATABASE?sslmode=verify-full；密码中的特殊字符须做百分号编码（@ 写作 %40，# 写作 %23）。`,
      },
    });
  const decoded = (part: string, of: string): string => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw wrong(`the ${of} in the URL is not percent-encoded`);
    }
  };
  if (!URL.canParse(text)) throw wrong(`this is no URL of a ${name} database`);
  const url = new URL(text);
  if (url.hash !== '') throw wrong('a "#" must be percent-encoded as %23');
  const parameters = readParameters(url, wrong);
  const database = decoded(url.pathname.slice(1), 'database');
  if (database === '' || database.includes('/')) throw wrong('the URL must end in the name of one database');
  const user = decoded(url.username, 'user');
  if (user === '') throw wrong('the URL names no user');
  const { socket, tls, connections } = parameters;
  if (socket !== null && url.hostname !== 'localhost') throw wrong('with a socket in "host", the host before the path must be localhost');
  const port = url.port === '' ? defaultPort : Number(url.port);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    ...{ port, socket, user, password: decoded(url.password, 'password'), database, tls, connections },
    place: `${name} at ${socket ?? `${url.hostname}:${port}`}/${database}`,
  };
}

function readParameters({ searchParams }: URL, wrong: (what: string) => ZhongkongError) {
  const known = ['sslmode', 'sslrootcert', 'host', 'connections'];
  for (const name of searchParams.keys()) {
    const shown = /^\w{1,24}$/.test(name) ? `"${name}"` : 'a name';
    if (!known.includes(name)) throw wrong(`${shown} is no parameter of the URL; known: ${known.join(', ')}`);
    if (searchParams.getAll(name).length > 1) throw wrong(`the URL has ${shown} twice`);
  }
  const mode = searchParams.get('sslmode');
  const file = searchParams.get('sslrootcert');
  if (mode !== null && !Object.hasOwn(TLS_MODES, mode)) throw wrong(`sslmode must be one of ${Object.keys(TLS_MODES).join(', ')}`);
  if (file !== null && (mode === null || mode === 'disable')) throw wrong('sslrootcert needs a sslmode that uses TLS');
  const socket = searchParams.get('host');
  if (socket !== null && !socket.startsWith('/')) throw wrong('"host" must be the absolute path of a Unix socket');
  const connections = Number(searchParams.get('connections') ?? CONNECTIONS.default);
  const { least, most } = CONNECTIONS;
  if (!Number.isInteger(connections) || connections < least || connections > most) {
    throw wrong(`"connections" must be a whole number from ${least} to ${most}`);
  }
  return { socket, connections, tls: TLS_MODES[mode ?? 'disable']?.(file === null ? undefined : readCa(file, wrong)) ?? null };
}

function readCa(file: string, wrong: (what: string) => ZhongkongError): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw wrong(`the file that sslrootcert names cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
}
