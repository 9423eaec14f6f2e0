/**
 * Who is calling: the client's IP, as far as it can be known.
 *
 * X-Forwarded-For is believed only when the connection comes from a trusted proxy, and then only up to the right-most
 * hop that is none: everything left of it was written by strangers. Whatever is missing or malformed makes the client
 * unknown (null), never guessed; a key with CIDRs is then refused.
 */

import { CidrList, normaliseIp } from '../../access/cidr.ts';
import { BoundedMap } from '../../core/bounded-map.ts';

/** Header values remembered. One entry per client behind the proxies, some 100 bytes each. */
const REMEMBERED = 10_000;
/** Longer chains than this are nobody's real path. */
const MAX_HEADER = 1024;

export class ClientIp {
  readonly #trusted: CidrList;
  /** Header value → client; '' = unknown. */
  readonly #forwarded = new BoundedMap<string>(REMEMBERED);

  /** `trustedProxies` are CIDRs or single addresses, valid ones: the configuration checked them. Throws RangeError for others. */
  constructor(trustedProxies: readonly string[]) {
    this.#trusted = new CidrList(trustedProxies);
  }

  /** Whether a connection from this (normalised) peer may speak for others. */
  isTrusted(peer: string | null): boolean {
    return peer !== null && this.#trusted.contains(peer);
  }

  /** The client behind a trusted proxy, from its X-Forwarded-For. */
  behindProxy(forwardedFor: string | undefined): string | null {
    if (forwardedFor === undefined || forwardedFor.length > MAX_HEADER) return null;
    let known = this.#forwarded.get(forwardedFor);
    if (known === undefined) {
      known = this.#rightmostUntrusted(forwardedFor) ?? '';
      this.#forwarded.set(forwardedFor, known);
    }
    return known === '' ? null : known;
  }

  #rightmostUntrusted(forwardedFor: string): string | null {
    for (const hop of forwardedFor.split(',').reverse()) {
      const address = normaliseIp(withoutPort(hop.trim()));
      if (address === null || !this.#trusted.contains(address)) return address;
    }
    return null;
  }
}

/** The other end of a connection, as the socket names it. A link-local one carries its zone, which no CIDR can name. */
export const peerIp = (text: string | undefined): string | null => normaliseIp(text?.replace(/%.*$/, '') ?? '');

/** Some proxies write `1.2.3.4:5678` or `[2001:db8::1]:5678`. */
function withoutPort(hop: string): string {
  const [, bracketed, v4] = /^\[([^\]]+)\](?::\d{1,5})?$|^(\d[\d.]+):\d{1,5}$/.exec(hop) ?? [];
  return bracketed ?? v4 ?? hop;
}
