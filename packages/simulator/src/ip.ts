/**
 * Addresses as WeChat's IP whitelist sees them: entries are one IPv4 address or an IPv4 CIDR range,
 * never `ip:port`. Compiled once when set, matched by two integer operations per call.
 */
export interface IpRange {
  readonly text: string;
  readonly base: number;
  readonly mask: number;
}

/** IPv4 text → unsigned 32-bit number, or null. */
export function parseIpv4(text: string): number | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let value = 0;
  for (const part of parts) {
    if (part.length === 0 || part.length > 3) return null;
    const byte = Number(part);
    if (!Number.isInteger(byte) || byte < 0 || byte > 255) return null;
    value = value * 256 + byte;
  }
  return value;
}

/** `1.2.3.4` or `1.2.3.0/24` → range, or null when it is neither. */
export function parseIpRange(text: string): IpRange | null {
  const slash = text.indexOf('/');
  const address = parseIpv4(slash < 0 ? text : text.slice(0, slash));
  const bits = slash < 0 ? 32 : Number(text.slice(slash + 1) || 'x');
  if (address === null || !Number.isInteger(bits) || bits < 0 || bits > 32) return null;
  const mask = bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0;
  return { text, base: (address & mask) >>> 0, mask };
}

export function ipInRanges(ip: string, ranges: readonly IpRange[]): boolean {
  const address = parseIpv4(ip);
  if (address === null) return false;
  for (const range of ranges) if ((address & range.mask) >>> 0 === range.base) return true;
  return false;
}

/** A dual-stack socket reports IPv4 peers as `::ffff:1.2.3.4`; WeChat prints the plain form first. */
export const plainIp = (ip: string): string => (ip.startsWith('::ffff:') && ip.includes('.') ? ip.slice(7) : ip);

/** The form behind `ipv6` in errcode 40164. */
export const mappedIp = (ip: string): string => (ip.includes(':') ? ip : `::ffff:${ip}`);
