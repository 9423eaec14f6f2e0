/**
 * Who is calling: the client's IP, as far as it can be known.
 *
 * X-Forwarded-For is believed only when the connection comes from a trusted proxy, and then only up to the right-most
 * hop that is none: everything left of it was written by strangers. Whatever is missing or malformed makes the client
 * unknown (null), never guessed; a key with CIDRs is then refused.
 */

import ipaddr from 'ipaddr.js';
import { BoundedMap } from '../../core/bounded-map.ts';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = readonly [Address, number];

/** Header values remembered. One entry per client behind the proxies, some 100 bytes each. */
const REMEMBERED = 10_000;
/** Longer chains than this are nobody's real path. */
const MAX_HEADER = 1024;

export class ClientIp {
  readonly #trusted: readonly Network[];
  /** Header value → client; '' = unknown. */
  readonly #forwarded = new BoundedMap<string>(REMEMBERED);

  /** `trustedProxies` are CIDRs or single addresses, valid ones: the configuration checked them. */
  constructor(trustedProxies: readonly string[]) {
    this.#trusted = trustedProxies.map(network);
  }

  /** Whether a connection from this (normalised) peer may speak for others. */
  isTrusted(peer: string | null): boolean {
    if (peer === null || this.#trusted.length === 0) return false;
    const address = parse(peer);
    return address !== null && this.#contains(address);
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
      const address = parse(withoutPort(hop.trim()));
      if (address === null) return null;
      if (!this.#contains(address)) return address.toString();
    }
    return null;
  }

  #contains(address: Address): boolean {
    return this.#trusted.some(([base, bits]) => base.kind() === address.kind() && address.match(base as never, bits));
  }
}

/** One spelling per address: IPv4-mapped IPv6 becomes IPv4, IPv6 is compressed; null for what is no address. */
export function normaliseIp(text: string | undefined): string | null {
  return (text !== undefined && parse(text)?.toString()) || null;
}

function parse(text: string): Address | null {
  // A link-local peer carries its zone, which no CIDR can name.
  const plain = text.replace(/%.*$/, '');
  // Only the four-part form: ipaddr.js would also take 0x7f.1 and the like.
  if (!plain.includes(':') && !/^\d{1,3}(?:\.\d{1,3}){3}$/.test(plain)) return null;
  return ipaddr.isValid(plain) ? ipaddr.process(plain) : null;
}

/** Some proxies write `1.2.3.4:5678` or `[2001:db8::1]:5678`. */
function withoutPort(hop: string): string {
  const [, bracketed, v4] = /^\[([^\]]+)\](?::\d{1,5})?$|^(\d[\d.]+):\d{1,5}$/.exec(hop) ?? [];
  return bracketed ?? v4 ?? hop;
}

function network(text: string): Network {
  const address = parse(text);
  if (address) return [address, address.kind() === 'ipv4' ? 32 : 128];
  const [base, bits] = ipaddr.parseCIDR(text);
  // ::ffff:10.0.0.0/104 is 10.0.0.0/8 for the addresses we compare with.
  if (base.kind() === 'ipv6' && (base as ipaddr.IPv6).isIPv4MappedAddress() && bits >= 96)
    return [(base as ipaddr.IPv6).toIPv4Address(), bits - 96];
  return [base, bits];
}
