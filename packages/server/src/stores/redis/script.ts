/**
 * A Lua script as data: which keys it touches, which arguments it takes, which shared pieces it stands on.
 *
 * Keys and arguments are locals of the same name inside the script, so that no script counts positions. Every script
 * also has `clock_ms` (empty: Redis's own clock) and `handle` (who calls). A script that fails half way is not rolled
 * back by Redis, so each checks first and writes then.
 */

import { createHash } from 'node:crypto';
import type { KeyName } from './keys.ts';

/** A piece that several scripts share. */
export interface Piece {
  readonly keys?: readonly KeyName[];
  readonly uses?: readonly Piece[];
  readonly lua: string;
}

export interface Script<Argument extends string = string> {
  /** For errors and logs. */
  readonly name: string;
  readonly keys: readonly KeyName[];
  readonly args: readonly Argument[];
  readonly lua: string;
  readonly sha1: string;
}

export function script<const Argument extends string>(
  name: string,
  parts: Piece & { readonly args?: readonly Argument[] },
): Script<Argument> {
  const pieces = [...flatten(parts.uses ?? []), parts];
  const keys = [...new Set(pieces.flatMap((piece) => piece.keys ?? []))];
  const args = parts.args ?? [];
  const lua = [locals(keys, 'KEYS'), locals(['clock_ms', 'handle', ...args], 'ARGV'), ...pieces.map((piece) => piece.lua.trim())]
    .filter((text) => text !== '')
    .join('\n');
  return { name, keys, args, lua, sha1: createHash('sha1').update(lua).digest('hex') };
}

const locals = (names: readonly string[], table: string): string =>
  names.length === 0 ? '' : `local ${names.join(', ')} = ${names.map((_, index) => `${table}[${index + 1}]`).join(', ')}`;

/** Each piece once, after what it stands on. */
function flatten(pieces: readonly Piece[]): readonly Piece[] {
  return [...new Set(pieces.flatMap((piece) => [...flatten(piece.uses ?? []), piece]))];
}
