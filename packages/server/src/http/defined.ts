/** Optional fields of a form, for what tells "not given" from "undefined". */

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the fields that were not given. */
export function defined<T extends object>(form: T): Defined<T> {
  return Object.fromEntries(Object.entries(form).filter(([, value]) => value !== undefined)) as Defined<T>;
}
