/**
 * Which spellings of an IP address and of a network are taken, wherever one is read: in the configuration, in a key, from
 * a proxy's header. Libraries differ on the odd ones (`012.1.2.3` is 12.1.2.3 to one and 10.1.2.3 to another), so an odd
 * one is none. Whether a plain one is really an address is the library's to say.
 */

/** Decimal without leading zeros. */
const DOTTED = /^(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})$/;
const NETWORK = /^([^/]{2,45})(?:\/(0|[1-9]\d{0,2}))?$/;

/** Four decimal parts, or IPv6 without a zone; an IPv4 tail only behind a prefix that says what it is, as in `::ffff:1.2.3.4`. */
export function isPlainIp(text: string): boolean {
  if (!text.includes(':')) return DOTTED.test(text);
  if (text.includes('%')) return false;
  return !text.includes('.') || (!/^::[^:]*$/.test(text) && DOTTED.test(text.slice(text.lastIndexOf(':') + 1)));
}

/** The two parts of `ADDRESS[/BITS]`, the address plainly spelled; `bits` null: the address alone. Null for anything else. */
export function splitNetwork(text: string): { readonly address: string; readonly bits: number | null } | null {
  const [, address, bits] = NETWORK.exec(text) ?? [];
  if (address === undefined || !isPlainIp(address)) return null;
  return { address, bits: bits === undefined ? null : Number(bits) };
}
