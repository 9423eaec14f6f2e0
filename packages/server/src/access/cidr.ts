/**
 * Networks that a key may be used from, or that proxies stand in: parsed once, asked for every call.
 *
 * IPv4-mapped IPv6 (`::ffff:1.2.3.4`) and IPv4 are one and the same, in addresses and in networks. What is no
 * address, or is spelled oddly, matches nothing.
 */

import ipaddr from 'ipaddr.js';
import { BoundedMap } from '../core/bounded-map.ts';
import { isPlainIp, splitNetwork } from '../core/ip-spelling.ts';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = readonly [Address, number];

/** Verdicts kept per list: a service calls from a handful of addresses. */
const REMEMBERED = 256;

export class CidrList {
  readonly #networks: readonly Network[];
  readonly #verdicts = new BoundedMap<boolean>(REMEMBERED);

  /** Throws RangeError for what `parseCidr` does not take. */
  constructor(cidrs: readonly string[]) {
    this.#networks = cidrs.map((text) => {
      const network = parseNetwork(text);
      if (network === null) throw new RangeError('not a CIDR');
      return network;
    });
  }

  contains(ip: string): boolean {
    let verdict = this.#verdicts.get(ip);
    if (verdict === undefined) {
      verdict = this.#compute(ip);
      this.#verdicts.set(ip, verdict);
    }
    return verdict;
  }

  #compute(ip: string): boolean {
    const address = parseAddress(ip);
    if (address === null) return false;
    return this.#networks.some(([base, bits]) => base.kind() === address.kind() && address.match(base as never, bits));
  }
}

/** The network in its one spelling, `address/bits`; a single address gets its full length. Null for anything else. */
export function parseCidr(text: string): string | null {
  const network = parseNetwork(text);
  return network && `${network[0].toString()}/${network[1]}`;
}

/** One spelling per address: IPv4-mapped IPv6 becomes IPv4, IPv6 is compressed; null for what is no address. */
export function normaliseIp(text: string): string | null {
  return parseAddress(text)?.toString() ?? null;
}

function parseNetwork(text: string): Network | null {
  const parts = splitNetwork(text);
  if (parts === null || !ipaddr.isValid(parts.address)) return null;
  const base = ipaddr.parse(parts.address);
  const length = base.kind() === 'ipv4' ? 32 : 128;
  const bits = parts.bits ?? length;
  if (bits > length) return null;
  const mapped = base.kind() === 'ipv6' && (base as ipaddr.IPv6).isIPv4MappedAddress() && bits >= 96;
  return mapped ? [(base as ipaddr.IPv6).toIPv4Address(), bits - 96] : [base, bits];
}

const parseAddress = (text: string): Address | null => (isPlainIp(text) && ipaddr.isValid(text) ? ipaddr.process(text) : null);
