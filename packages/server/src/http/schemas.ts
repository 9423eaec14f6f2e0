/** Forms that several routes share: ids, paging, words in two languages, problem details. */

import { z } from '@hono/zod-openapi';
import { ACCOUNT_ID, ACCOUNT_ID_FORM } from '../core/account.ts';
import { ERROR_ADVICE, type ErrorCode } from '../core/errors.ts';
import { FAILURE_CLASSES, type FailureClass } from '../core/failure.ts';

export const accountId = () => z.string().regex(ACCOUNT_ID, `use ${ACCOUNT_ID_FORM.en}`).openapi({ example: 'wx0123456789abcdef' });

export const kindName = () =>
  z
    .string()
    .regex(/^[a-z0-9_]{1,64}$/, 'use 1 to 64 of a-z 0-9 _')
    .openapi({ example: 'access_token' });

/** A text for people: no control characters. */
export const plainText = (min: number, max: number) =>
  z
    .string()
    .min(min)
    .max(max)
    .regex(/^[^\u0000-\u0008\u000a-\u001f\u007f]*$/, 'no control characters');

/** A whole number in a query string. */
export const queryInteger = (min: number, max: number, unset: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `use a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `use a whole number from ${min} to ${max}`)
    .optional()
    .transform((value) => value ?? unset)
    .openapi({ type: 'integer', minimum: min, maximum: max, default: unset });

/** An instant on the wire, as epoch ms. */
export const instant = () =>
  z
    .string()
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/, 'use RFC 3339, e.g. 2027-01-31T00:00:00Z')
    .refine((text) => !Number.isNaN(Date.parse(text)), 'no such instant')
    .transform((text) => Date.parse(text))
    .openapi({ type: 'string', format: 'date-time' });

/** An instant as answers write it. */
export const instantText = () => z.string().openapi({ format: 'date-time', example: '2027-01-31T00:00:00.000Z' });

export const rfc3339 = (at: number): string => new Date(at).toISOString();
export const rfc3339OrNull = (at: number | null): string | null => (at === null ? null : rfc3339(at));

export const words = () => z.object({ en: z.string(), zh: z.string() });

/** Paging of every list: hand `next_cursor` back as `cursor`; null is the end. */
export const pageQuery = {
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_.:@-]{1,200}$/, 'use next_cursor of the page before')
    .optional()
    .openapi({ description: '`next_cursor` of the page before' }),
  limit: queryInteger(1, 200, 50),
};
export const nextCursor = () => z.string().nullable().openapi({ description: 'Give it back as `cursor`; null: this was the last page' });

/** The page and its cursor, from one element more than asked for. */
export function paged<T>(found: readonly T[], limit: number, cursorOf: (one: T) => string): { page: readonly T[]; next: string | null } {
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return { page, next: found.length > limit && last !== undefined ? cursorOf(last) : null };
}

export const failureClass = () => z.enum(Object.keys(FAILURE_CLASSES) as [FailureClass, ...FailureClass[]]);

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(ERROR_ADVICE) as [ErrorCode, ...ErrorCode[]]),
    advice: words(),
    errcode: z.int().optional().openapi({ description: "WeChat's own code, when it gave one" }),
    errmsg: z.string().optional(),
    rid: z.string().optional(),
    retry_after: z.int().optional().openapi({ description: 'Seconds after which trying again can help' }),
    request_id: z.string(),
  })
  .openapi('Problem');
