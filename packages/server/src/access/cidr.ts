/**
 * Networks that a key may be used from: parsed once, asked for every call.
 *
 * IPv4-mapped IPv6 (`::ffff:1.2.3.4`) and IPv4 are one and the same, in addresses and in networks. What is no
 * address matches nothing.
 */

import ipaddr from 'ipaddr.js';
import { BoundedMap } from '../core/bounded-map.ts';

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

function parseNetwork(text: string): Network | null {
  const [, address = '', digits] = /^([^/]{2,45})(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const base = parsePlain(address);
  if (base === null) return null;
  const length = base.kind() === 'ipv4' ? 32 : 128;
  const bits = digits === undefined ? length : Number(digits);
  if (bits > length) return null;
  const mapped = base.kind() === 'ipv6' && (base as ipaddr.IPv6).isIPv4MappedAddress() && bits >= 96;
  return mapped ? [(base as ipaddr.IPv6).toIPv4Address(), bits - 96] : [base, bits];
}

function parseAddress(text: string): Address | null {
  const plain = parsePlain(text);
  return plain && ipaddr.process(plain.toString());
}

/** Only the four-part form of IPv4: ipaddr.js would also take 0x7f.1, 010.1 and the like. */
function parsePlain(text: string): Address | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  return text.includes(':') && !text.includes('%') && ipaddr.IPv6.isValid(text) ? ipaddr.IPv6.parse(text) : null;
}
