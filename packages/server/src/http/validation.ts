/** Turns what a schema found wrong into one sentence that names the fields, and never quotes a value. */

import type { ZodError } from 'zod';
import { ZhongkongError } from '../core/errors.ts';

type Issue = ZodError['issues'][number];

/** More than these help nobody. */
const MAX_ISSUES = 5;
/** Longer than any field of ours, shorter than any key or token that somebody put where a name belongs. */
const MAX_NAME = 24;

const PLACES: Readonly<Record<string, string>> = { query: 'query parameter', param: 'path', json: 'field' };

/** The hook of every route: throws `invalid_request` for whatever its schemas refused. */
export function refuseInvalid(result: { readonly target: string } & ({ success: true } | { success: false; error: ZodError })): void {
  if (result.success) return;
  const { target, error } = result;
  const told = error.issues.slice(0, MAX_ISSUES).map((issue) => `${PLACES[target] ?? target} ${sentence(issue, target)}`);
  throw new ZhongkongError('invalid_request', told.join('; '));
}

function sentence(issue: Issue, target: string): string {
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.slice(0, MAX_ISSUES).map((key) => nameOf([...issue.path, key]));
    return `${names.join(', ')}: unknown`;
  }
  const name = nameOf(issue.path);
  if (target === 'query' && issue.code === 'invalid_type' && issue.message.includes('received array'))
    return `${name}: given more than once`;
  if (issue.code === 'invalid_type' && issue.message.includes('received undefined')) return `${name}: required`;
  if (issue.code === 'invalid_union') return `${name}: ${unionSentence(issue)}`;
  return `${name}: ${issue.message}`;
}

/** A union says itself what it wants, or its branch that got past the type does. */
function unionSentence(issue: Extract<Issue, { code: 'invalid_union' }>): string {
  if (issue.message !== 'Invalid input') return issue.message;
  const inner = issue.errors.flat().find(({ code }) => code !== 'invalid_type');
  return inner?.message ?? issue.message;
}

function nameOf(path: readonly PropertyKey[]): string {
  const name = path.length === 0 ? 'body' : path.map(String).join('.');
  const printable = name.replace(/[^\x21-\x7e\u4e00-\u9fff]/g, '?');
  return `"${printable.length > MAX_NAME ? `${printable.slice(0, MAX_NAME)}…` : printable}"`;
}
