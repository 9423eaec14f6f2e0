/**
 * Readers for whatever comes from outside (options, knobs, control calls). A reader returns the typed
 * value or throws an InputError that names the field and the value; nothing falls back silently.
 */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** Checks `value`, found at `where` (e.g. `faults[0].ms`). */
export type Reader<T> = (value: unknown, where: string) => T;

/** Throws the one message form: field, what is wanted, what came. */
export function reject(where: string, wanted: string, value: unknown): never {
  const shown = value === undefined ? 'nothing' : JSON.stringify(value);
  throw new InputError(`${where}: expected ${wanted}, got ${shown?.slice(0, 120) ?? String(value)}`);
}

export const integer =
  (min: number, max: number): Reader<number> =>
  (value, where) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
      ? value
      : reject(where, `an integer from ${min} to ${max}`, value);

export const numberFrom =
  (min: number, max: number): Reader<number> =>
  (value, where) =>
    typeof value === 'number' && value >= min && value <= max ? value : reject(where, `a number from ${min} to ${max}`, value);

export const boolean: Reader<boolean> = (value, where) => (typeof value === 'boolean' ? value : reject(where, 'true or false', value));

export const text: Reader<string> = (value, where) => (typeof value === 'string' ? value : reject(where, 'a string', value));

export const matching =
  (pattern: RegExp): Reader<string> =>
  (value, where) =>
    typeof value === 'string' && pattern.test(value) ? value : reject(where, `a string like ${pattern.source}`, value);

export const oneOf =
  <const T extends string>(...allowed: readonly T[]): Reader<T> =>
  (value, where) =>
    allowed.includes(value as T) ? (value as T) : reject(where, `one of ${allowed.join(', ')}`, value);

export const nullable =
  <T>(reader: Reader<T>): Reader<T | null> =>
  (value, where) =>
    value === null ? null : reader(value, where);

export const listOf =
  <T>(reader: Reader<T>): Reader<T[]> =>
  (value, where) =>
    Array.isArray(value) ? value.map((item, i) => reader(item, `${where}[${i}]`)) : reject(where, 'an array', value);

export const recordOf =
  <T>(key: Reader<string>, reader: Reader<T>): Reader<Record<string, T>> =>
  (value, where) => {
    const out: Record<string, T> = {};
    for (const [name, item] of Object.entries(plainObject(value, where))) out[key(name, `${where} key`)] = reader(item, `${where}.${name}`);
    return out;
  };

/** An object with only these fields, all optional; an unknown field is an error. */
export const fieldsOf =
  <T extends object>(fields: { readonly [K in keyof T]-?: Reader<T[K]> }): Reader<Partial<T>> =>
  (value, where) => {
    const out: Partial<T> = {};
    for (const [name, item] of Object.entries(plainObject(value, where))) {
      if (!Object.hasOwn(fields, name))
        reject(where ? `${where}.${name}` : name, `a known field (${Object.keys(fields).join(', ')})`, item);
      out[name as keyof T] = fields[name as keyof T](item, where ? `${where}.${name}` : name);
    }
    return out;
  };

export function plainObject(value: unknown, where: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  return reject(where || 'body', 'an object', value);
}
