/**
 * WeChat's own words, made fit to be kept, shown and logged, and what can be read out of them.
 *
 * Invariant: no text from upstream leaves here with anything in it that looks like a token or a secret.
 */

/** The longest known text (40001 with its hint and rid) has 190 characters. */
const MAX_LENGTH = 300;

/** Control and format characters, line separators, halves of surrogate pairs. */
const UNPRINTABLE = /[\p{C}\u2028\u2029]+/gu;
/** An AppSecret has 32 characters, a token more; a rid has 26 and WeCom's hints 25. */
const TOKEN_LIKE = /[A-Za-z0-9_~+=@-]{28,}/g;
/** What follows the name of a secret, however short. */
const NAMED_SECRET = /((?:token|secret|ticket)["']?\s*[=:]\s*)["']?[^\s"'&,;]+/gi;

/** `errmsg` without control characters and secrets, at most 300 characters. */
export function cleaned(errmsg: string): string {
  const text = errmsg.replace(UNPRINTABLE, ' ').replace(NAMED_SECRET, '$1***').replace(TOKEN_LIKE, '***').trim();
  return [...text].slice(0, MAX_LENGTH).join('');
}

const HEX = '[0-9a-f]{8}';
const RID = new RegExp(`(?:^|,? )rid: (${HEX}-${HEX}-${HEX})$`);

/** The rid at the end of a text (` rid: …`, or `, rid: …` on /sns/), or null. */
export const ridOf = (errmsg: string): string | null => RID.exec(errmsg.trimEnd())?.[1] ?? null;

const OCTET = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)';
const IPV4 = new RegExp(`(?<![\\d.])${OCTET}(?:\\.${OCTET}){3}(?![\\d.]*\\d)`);
const IPV6 = /(?<=\bipv6 |\bip |requestIP: ?)(?=[0-9a-f:]*:[0-9a-f:]*:)[0-9a-f:]{2,39}(?![0-9a-f:.])/i;

/**
 * The address that WeChat saw, out of the texts of 40164 (`invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in
 * whitelist`, or without the ipv6 part), 61004 (`requestIP: 1.2.3.4`) and their like, or null.
 */
export const egressIpOf = (errmsg: string): string | null => IPV4.exec(errmsg)?.[0] ?? IPV6.exec(errmsg)?.[0] ?? null;
