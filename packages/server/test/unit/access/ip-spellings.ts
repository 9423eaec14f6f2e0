/** How addresses and networks are read, and what is none: the same wherever one is read. */

/** Text, and its one spelling; null: no address. */
export const ADDRESSES: readonly (readonly [string, string | null])[] = [
  ['10.1.2.3', '10.1.2.3'],
  ['0.0.0.0', '0.0.0.0'],
  ['::1', '::1'],
  ['2001:0DB8:0:0::0001', '2001:db8::1'],
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['::FFFF:a01:203', '10.1.2.3'],
  ['64:ff9b::10.1.2.3', '64:ff9b::a01:203'],
  ['', null],
  ['10.1.2', null],
  ['10.1.2.3.4', null],
  ['256.1.1.1', null],
  ['167838211', null],
  // Octal to some, decimal to others.
  ['012.1.2.3', null],
  ['10.1.2.03', null],
  ['::ffff:012.1.2.3', null],
  ['0x0a.1.2.3', null],
  ['::ffff:0x0a.1.2.3', null],
  // Another address than the IPv4 one, and taken for it by some.
  ['::10.1.2.3', null],
  ['fe80::1%eth0', null],
  ['10.1.2.3%eth0', null],
  ['1::2::3', null],
  ['12345::', null],
  ['example.com', null],
];

/** The same for networks; every address is one too, of itself alone. */
export const NETWORKS: readonly (readonly [string, string | null])[] = [
  ['10.0.0.0/8', '10.0.0.0/8'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['192.0.2.7', '192.0.2.7/32'],
  ['2001:0DB8::/32', '2001:db8::/32'],
  ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
  ['10.0.0.0/08', null],
  ['012.0.0.0/8', null],
  ['10.0.0.0/33', null],
  ['10.0.0.0/-1', null],
  ['10.0.0.0/', null],
  ['10.0.0.0/8/8', null],
  ['10.0.0/8', null],
  ['2001:db8::/129', null],
  ['::10.0.0.0/104', null],
  ['fe80::1%eth0/64', null],
];
