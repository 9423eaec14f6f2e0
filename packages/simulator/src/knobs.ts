/**
 * Every rule that WeChat does not document, or that a test may want to bend, as one flat table of
 * knobs with its default. A knob without a remark below is a documented rule; "assumed" marks what no
 * official page states. Wrong values are refused by name; a parsed set is frozen.
 */
import { boolean, fieldsOf, integer, listOf, matching, nullable, oneOf, type Reader, recordOf, reject, text } from './input.ts';

/** The checks of a call that brings an AppSecret, in the order they run by default. */
export const CHECK_ORDER = [
  'appid_present',
  'appid_known',
  'grant_type',
  'secret_present',
  'secret_match',
  'frozen',
  'account_status',
  'whitelist',
  'risk',
  'minute_quota',
  'day_quota',
] as const;
export type CheckName = (typeof CHECK_ORDER)[number];

/** Calls allowed per quota day and per minute; null: no limit. */
export interface Limit {
  day?: number | null;
  minute?: number | null;
}

export interface Knobs {
  /** Life of an access_token in seconds. */
  lifetimeSeconds: number;
  /** Life of a jsapi or wx_card ticket in seconds. */
  ticketLifetimeSeconds: number;
  /** How long a superseded token stays usable, in seconds. */
  graceSeconds: number;
  /** How many superseded tokens may be in grace at once; assumed: one, the third issue evicts. */
  supersededSurvivors: number;
  /** Stable mode issues a new token when this many seconds or fewer are left. */
  stableWindowSeconds: number;
  /** A forced stable issue closer than this to the last one does not refresh, in seconds. */
  forceSpacingSeconds: number;
  /** Forced stable issues per quota day. */
  forcePerDay: number;
  /** Answer to a force that came too soon: 0 gives the running token (assumed), else this errcode. */
  forceTooSoonCode: number;
  /** Answer to a force beyond the day's allowance (assumed 45009). */
  forceOverLimitCode: number;
  /** What an unforced stable call gives after WeChat killed the running token early: it again (assumed), or a new one. */
  revokedStable: 'same' | 'new';
  /** clear_quota calls per calendar month, all forms together. */
  clearsPerMonth: number;
  /** Limits per path, laid over the built-in ones; an account's own lie over these. */
  limits: Record<string, Limit>;
  /** The quota day starts at 00:00 of this offset to UTC, in minutes (assumed +08:00 = 480). */
  dayOffsetMinutes: number;
  /** Whether refused calls use up quota (assumed not). */
  failedCallsCount: boolean;
  /** Order of the checks of secret-based calls; only "appid before grant_type" was ever observed. */
  checkOrder: readonly CheckName[];
  /** Whether a second getticket inside the life gives the same ticket (assumed) or a new one. */
  ticketRepeat: 'same' | 'new';
  /** `expires_in` of a repeated ticket: always the full life (one field report) or what remains. */
  ticketExpiresIn: 'full' | 'remaining';
  /** errcode for an unknown ticket `type` (assumed). */
  badTicketTypeCode: number;
  /** errcode for a path that does not exist (assumed). */
  unknownPathCode: number;
  /** errcode for a malformed cgi_path in quota/get: the table says 76021, the prose 76003. */
  badCgiPathCode: number;
  /** errcode for a rid older than `ridDays`: the table says 76004, the prose 76001. */
  oldRidCode: number;
  /** errcode while the administrator has not answered: 89501 (assumed), or 89503 again. */
  pendingRiskCode: number;
  /** Delay of a whitelist edit in seconds; 300 to 600 in the field, 0 here so that tests are short. */
  whitelistDelaySeconds: number;
  /** Delay of freezing and unfreezing the AppSecret in seconds; 600 documented, 0 here. */
  freezeDelaySeconds: number;
  /** How long the former AppSecret is still accepted after a reset, in seconds; documented: not at all. */
  previousSecretGraceSeconds: number;
  /** Length of an access_token in characters: 136 seen 2022–23; the documented ceiling is 512. */
  tokenLength: number;
  /** The `NN` in front of a token; null: grows by one a month (36 in August 2020), as seen. */
  tokenPrefix: number | null;
  /** Whether a chunked request body is refused with HTTP 412 (behaviour unknown; assumed accepted). */
  rejectChunkedBodies: boolean;
  /** Whether plain http is refused with 43003; one field note says it is answered. */
  requireHttps: boolean;
  /** How many failed requests rid/get remembers, and for how many days. */
  ridMemory: number;
  ridDays: number;
  /** How many dead tokens are told apart from unknown ones. */
  deadTokenMemory: number;
  /** Size of the picture that getwxacodeunlimit answers, in bytes. */
  wxacodeBytes: number;
  /** Replacement texts, errcode → errmsg without the rid. */
  errmsg: Record<string, string>;
}

export const DEFAULT_KNOBS: Readonly<Knobs> = Object.freeze({
  lifetimeSeconds: 7200,
  ticketLifetimeSeconds: 7200,
  graceSeconds: 300,
  supersededSurvivors: 1,
  stableWindowSeconds: 300,
  forceSpacingSeconds: 30,
  forcePerDay: 20,
  forceTooSoonCode: 0,
  forceOverLimitCode: 45009,
  revokedStable: 'same',
  clearsPerMonth: 10,
  limits: {},
  dayOffsetMinutes: 480,
  failedCallsCount: false,
  checkOrder: CHECK_ORDER,
  ticketRepeat: 'same',
  ticketExpiresIn: 'full',
  badTicketTypeCode: 40097,
  unknownPathCode: 40066,
  badCgiPathCode: 76021,
  oldRidCode: 76004,
  pendingRiskCode: 89501,
  whitelistDelaySeconds: 0,
  freezeDelaySeconds: 0,
  previousSecretGraceSeconds: 0,
  tokenLength: 136,
  tokenPrefix: null,
  rejectChunkedBodies: false,
  requireHttps: false,
  ridMemory: 10_000,
  ridDays: 7,
  deadTokenMemory: 100_000,
  wxacodeBytes: 4096,
  errmsg: {},
});

const seconds = integer(0, 315_360_000); // ten years
const errcode = integer(-1_000_000, 10_000_000);
const count = integer(0, 1_000_000_000);

/** `{"day":2000,"minute":null}`; shared with accounts. */
export const limitReader: Reader<Limit> = fieldsOf<Required<Limit>>({ day: nullable(count), minute: nullable(count) });
export const limitsReader: Reader<Record<string, Limit>> = recordOf(matching(/^\/[\w/.-]+$/), limitReader);

const checkOrder: Reader<readonly CheckName[]> = (value, where) => {
  const names = listOf(oneOf(...CHECK_ORDER))(value, where);
  const complete = names.length === CHECK_ORDER.length && new Set(names).size === names.length;
  return complete ? names : reject(where, `each of ${CHECK_ORDER.join(', ')} once`, value);
};

const readers: { readonly [K in keyof Knobs]: Reader<Knobs[K]> } = {
  lifetimeSeconds: integer(1, 315_360_000),
  ticketLifetimeSeconds: integer(1, 315_360_000),
  graceSeconds: seconds,
  supersededSurvivors: integer(0, 100),
  stableWindowSeconds: seconds,
  forceSpacingSeconds: seconds,
  forcePerDay: count,
  forceTooSoonCode: errcode,
  forceOverLimitCode: errcode,
  revokedStable: oneOf('same', 'new'),
  clearsPerMonth: count,
  limits: limitsReader,
  dayOffsetMinutes: integer(-840, 840),
  failedCallsCount: boolean,
  checkOrder,
  ticketRepeat: oneOf('same', 'new'),
  ticketExpiresIn: oneOf('full', 'remaining'),
  badTicketTypeCode: errcode,
  unknownPathCode: errcode,
  badCgiPathCode: errcode,
  oldRidCode: errcode,
  pendingRiskCode: errcode,
  whitelistDelaySeconds: seconds,
  freezeDelaySeconds: seconds,
  previousSecretGraceSeconds: seconds,
  tokenLength: integer(32, 512),
  tokenPrefix: nullable(integer(1, 9999)),
  rejectChunkedBodies: boolean,
  requireHttps: boolean,
  ridMemory: integer(0, 10_000_000),
  ridDays: integer(0, 3650),
  deadTokenMemory: integer(0, 10_000_000),
  wxacodeBytes: integer(4, 100_000_000),
  errmsg: recordOf(matching(/^-?\d+$/), text),
};
const readKnobs = fieldsOf<Knobs>(readers);

/** Knobs that size a memory when the simulator is made and cannot change later. */
export const FIXED_KNOBS = ['ridMemory', 'deadTokenMemory'] as const satisfies readonly (keyof Knobs)[];

/** `changes` laid over `base`, checked and frozen. */
export const knobsFrom = (changes: unknown, base: Readonly<Knobs> = DEFAULT_KNOBS): Readonly<Knobs> =>
  Object.freeze({ ...base, ...readKnobs(changes, 'knobs') });
