/** Records of the directory as they lie in Redis: JSON of the very objects that the core handles. */

export const record = <T>(text: unknown): T | null => (typeof text === 'string' ? (JSON.parse(text) as T) : null);

/** Without those that are gone meanwhile. */
export const records = <T>(texts: unknown): readonly T[] =>
  (texts as readonly unknown[]).flatMap((text) => (typeof text === 'string' ? [JSON.parse(text) as T] : []));
