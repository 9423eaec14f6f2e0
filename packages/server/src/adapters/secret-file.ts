/**
 * Who else may read a file that holds a secret, told by its mode bits.
 *
 * The owner alone (0600, 0400); or root's own file that its group may read (0640, 0440), when we are not root: that is
 * the one way in which Kubernetes (`fsGroup`) and systemd (an access list, whose mask shows as the group's bits) let a
 * process read what it must not be able to change. PostgreSQL judges its TLS key by the same rule.
 */

import type { Stats } from 'node:fs';

const GROUP_AND_OTHERS = 0o077;
const GROUP_READS = 0o040;

/** `uid`: whose process asks; default: this one's. Windows has no such bits: the folder's access list decides there. */
export function isOpenToOthers({ mode, uid: owner }: Pick<Stats, 'mode' | 'uid'>, uid = process.getuid?.()): boolean {
  if (uid === undefined) return false;
  const handedOver = owner === 0 && uid !== 0;
  return (mode & GROUP_AND_OTHERS & (handedOver ? ~GROUP_READS : ~0)) !== 0;
}

/** As `chmod` takes it, e.g. `0640`. */
export const modeText = (mode: number): string => `0${(mode & 0o777).toString(8)}`;
