/**
 * Every fault switch as a declaration: its fields, what it adds to a call's plan. Where a fault can
 * strike both before WeChat works (nothing is committed) and after (the token is rotated, the reply is
 * spoilt), `when` says so.
 */
import { boolean, integer, listOf, oneOf, plainObject, type Reader, text } from '../input.ts';
import { jsonBody } from '../params.ts';
import type { Random } from '../random.ts';
import type { ChainName } from '../state/chain.ts';
import { type Answer, JSON_TYPE } from '../wire.ts';
import type { Instead, Plan, When } from './plan.ts';

/** The fields of each kind; a field with `?` has the default that its comment names. */
export interface FaultFields {
  /** Waits `ms` (plus a random share of `jitter_ms`, default 0); `when` default before. */
  latency: { ms: number; jitter_ms?: number; when?: When };
  /** The connection breaks without an answer; default before. `after`: the token is rotated, the reply lost. */
  drop: { when?: When };
  /** The connection stays open and nothing comes; default before. */
  hang: { when?: When };
  /** The whole Content-Length is promised, `bytes` of the body are sent, then the connection breaks. */
  cut: { bytes: number };
  /** The body ends after `bytes`, with a Content-Length that agrees. */
  truncate: { bytes: number };
  /** An HTTP status with a gateway's HTML page; default before. */
  status: { status: number; when?: When };
  /** WeChat's own error form, e.g. -1; default before. */
  errcode: { errcode: number; errmsg?: string; when?: When };
  /** An HTML page with `status`, default 200; default before. */
  html: { status?: number; when?: When };
  /** No body at all, status 200; default before. */
  empty: { when?: When };
  /** This text as the body; `content_type` default WeChat's JSON, `status` default 200; default before. */
  body: { text: string; content_type?: string; status?: number; when?: When };
  /** Fields of a JSON answer set to any value (zero, negative, a string, null) or removed. */
  rewrite: { set?: Record<string, unknown>; remove?: readonly string[] };
  /** The JSON answer grows by about `bytes`: a field `padding` behind the others. */
  pad: { bytes: number };
  /** What is issued lives `seconds`, and says so. */
  lifetime: { seconds: number };
  /** What is issued lives `ms` longer (or, negative, shorter) than it says. */
  expiry_skew: { ms: number };
  /** The Date header is `ms` off. */
  date_skew: { ms: number };
  /** What is issued is killed by WeChat `after_ms` later. */
  revoke: { after_ms: number };
  /** Somebody else fetches a token of the same account; `chain` default classic, `when` default after. */
  rogue: { chain?: ChainName; force?: boolean; when?: When };
}
export type FaultKind = keyof FaultFields;

interface Declaration<F> {
  readonly fields: { readonly [K in keyof F]-?: Reader<F[K]> };
  readonly required: readonly (keyof F & string)[];
  readonly apply: (plan: Plan, fault: F, random: Random) => void;
}

const when = oneOf('before', 'after');
const milliseconds = integer(0, 86_400_000);
const signed = integer(-315_360_000_000, 315_360_000_000);
const status = integer(200, 599);
const bytes = integer(0, 268_435_456);

const gatewayPage = (code: number): Answer => ({
  status: code,
  contentType: 'text/html',
  body: `<html>\r\n<head><title>${code}</title></head>\r\n<body>\r\n<center><h1>${code}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`,
  errcode: code === 200 ? 0 : code,
});

/** The first fault that replaces the answer wins. */
const instead = (plan: Plan, at: When, what: Instead): void => {
  plan.instead[at] ??= what;
};
const answerInstead = (plan: Plan, at: When, answer: Answer): void => instead(plan, at, { kind: 'answer', answer });

/** Only JSON objects are edited; anything else, a truncated one too, passes as it is. */
function editJson(answer: Answer, change: (json: Record<string, unknown>) => Record<string, unknown>): Answer {
  const json = typeof answer.body === 'string' ? jsonBody(new TextEncoder().encode(answer.body)) : 47001;
  return typeof json === 'number' ? answer : { ...answer, body: JSON.stringify(change(json)) };
}

export const FAULT_KINDS: { readonly [K in FaultKind]: Declaration<FaultFields[K]> } = {
  latency: {
    fields: { ms: milliseconds, jitter_ms: milliseconds, when },
    required: ['ms'],
    apply: (plan, f, random) => {
      plan.delayMs[f.when ?? 'before'] += f.ms + Math.round((f.jitter_ms ?? 0) * random.unit());
    },
  },
  drop: { fields: { when }, required: [], apply: (plan, f) => instead(plan, f.when ?? 'before', { kind: 'drop' }) },
  hang: { fields: { when }, required: [], apply: (plan, f) => instead(plan, f.when ?? 'before', { kind: 'hang' }) },
  cut: {
    fields: { bytes },
    required: ['bytes'],
    apply: (plan, f) => {
      plan.cutAt ??= f.bytes;
    },
  },
  truncate: {
    fields: { bytes },
    required: ['bytes'],
    apply: (plan, f) => plan.edits.push((answer) => ({ ...answer, body: answer.body.slice(0, f.bytes) })),
  },
  status: {
    fields: { status, when },
    required: ['status'],
    apply: (plan, f) => answerInstead(plan, f.when ?? 'before', gatewayPage(f.status)),
  },
  errcode: {
    fields: { errcode: integer(-1_000_000, 10_000_000), errmsg: text, when },
    required: ['errcode'],
    apply: (plan, f) => instead(plan, f.when ?? 'before', { kind: 'errcode', errcode: f.errcode, errmsg: f.errmsg }),
  },
  html: {
    fields: { status, when },
    required: [],
    apply: (plan, f) => answerInstead(plan, f.when ?? 'before', gatewayPage(f.status ?? 200)),
  },
  empty: {
    fields: { when },
    required: [],
    apply: (plan, f) => answerInstead(plan, f.when ?? 'before', { status: 200, contentType: JSON_TYPE, body: '', errcode: 0 }),
  },
  body: {
    fields: { text, content_type: text, status, when },
    required: ['text'],
    apply: (plan, f) =>
      answerInstead(plan, f.when ?? 'before', {
        status: f.status ?? 200,
        contentType: f.content_type ?? JSON_TYPE,
        body: f.text,
        errcode: 0,
      }),
  },
  rewrite: {
    fields: { set: plainObject, remove: listOf(text) },
    required: [],
    apply: (plan, f) =>
      plan.edits.push((answer) =>
        editJson(answer, (json) => {
          const changed = { ...json, ...f.set };
          for (const name of f.remove ?? []) delete changed[name];
          return changed;
        }),
      ),
  },
  pad: {
    fields: { bytes },
    required: ['bytes'],
    apply: (plan, f) => plan.edits.push((answer) => editJson(answer, (json) => ({ ...json, padding: 'x'.repeat(f.bytes) }))),
  },
  lifetime: {
    fields: { seconds: integer(1, 315_360_000) },
    required: ['seconds'],
    apply: (plan, f) => {
      plan.effects.lifetimeSeconds ??= f.seconds;
    },
  },
  expiry_skew: {
    fields: { ms: signed },
    required: ['ms'],
    apply: (plan, f) => {
      plan.effects.expirySkewMs = (plan.effects.expirySkewMs ?? 0) + f.ms;
    },
  },
  date_skew: {
    fields: { ms: signed },
    required: ['ms'],
    apply: (plan, f) => {
      plan.dateSkewMs += f.ms;
    },
  },
  revoke: {
    fields: { after_ms: integer(0, 315_360_000_000) },
    required: ['after_ms'],
    apply: (plan, f) => {
      plan.effects.revokeAfterMs = Math.min(plan.effects.revokeAfterMs ?? f.after_ms, f.after_ms);
    },
  },
  rogue: {
    fields: { chain: oneOf('classic', 'stable'), force: boolean, when },
    required: [],
    apply: (plan, f) => plan.rogue[f.when ?? 'after'].push({ chain: f.chain ?? 'classic', force: f.force ?? false }),
  },
};
