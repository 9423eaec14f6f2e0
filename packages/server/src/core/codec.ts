/**
 * A record as the JSON document that stores keep. The two values are sealed, each bound to its account, kind, chain
 * and generation, so that a sealed value moved to another row does not open.
 */

import type { Credential, CredentialId, CredentialRecord } from './credential.ts';
import { ZhongkongError } from './errors.ts';
import { type RotatingSeal, resealed, type Seal } from './seal.ts';

const FORMAT = 1;

const context = (id: CredentialId, generation: number, which: string): string =>
  `credential ${id.account} ${id.kind} ${id.chain} ${generation} ${which}`;

export function encodeRecord(record: CredentialRecord, seal: Seal): string {
  const { id, current, previous, ...rest } = record;
  const hide = <C extends Credential>(credential: C | null, which: string) =>
    credential && { ...credential, value: seal.seal(credential.value, context(id, record.generation, which)) };
  return JSON.stringify({ format: FORMAT, ...rest, current: hide(current, 'current'), previous: hide(previous, 'previous') });
}

/** Throws `unseal_failed` when the master key is another, `internal` when the document is of a later format. */
export function decodeRecord(id: CredentialId, body: string, seal: Seal): CredentialRecord {
  const rest = parse(body);
  const show = <C extends Credential>(credential: C | null, which: string) =>
    credential && { ...credential, value: seal.open(credential.value, context(id, rest.generation, which)) };
  return { ...rest, id, current: show(rest.current, 'current'), previous: show(rest.previous, 'previous') };
}

/** The document with its values sealed under the key that seals now; the same when they are. Throws like `decodeRecord`. */
export function resealRecord(id: CredentialId, body: string, seal: RotatingSeal): string {
  const { current, previous, ...rest } = parse(body);
  const anew = <C extends Credential>(credential: C | null, which: string) =>
    credential && { ...credential, value: resealed(seal, credential.value, context(id, rest.generation, which)) };
  const values = [current, previous].flatMap((one) => (one === null ? [] : [one.value]));
  if (values.every((value) => seal.isCurrent(value))) return body;
  return JSON.stringify({ format: FORMAT, ...rest, current: anew(current, 'current'), previous: anew(previous, 'previous') });
}

/** The document without its values, for when no key opens them: all else of it is plain. */
export const withoutValues = (body: string): string => JSON.stringify({ format: FORMAT, ...parse(body), current: null, previous: null });

function parse(body: string): Omit<CredentialRecord, 'id'> {
  const { format, ...rest } = JSON.parse(body) as { readonly format: number } & Omit<CredentialRecord, 'id'>;
  if (format !== FORMAT) throw new ZhongkongError('internal', `credential document of unknown format ${format}`);
  return rest;
}
