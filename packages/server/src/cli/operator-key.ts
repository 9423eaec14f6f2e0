/** The key that a command on this machine's store works with: declared for its own engine, never stored, gone when it ends. */

import { randomBytes } from 'node:crypto';
import { createApiKey } from '../access/key-format.ts';
import type { DeclaredKey } from '../core/declared.ts';

/** How the audit trail names it. */
const NAME = 'cli';
/** The id that a declared key of that name has; no other key can have it. */
export const OPERATOR_KEY_ID = `k_declared_${NAME}`;

export const operatorKey = (): DeclaredKey => ({
  name: NAME,
  key: createApiKey(randomBytes),
  scopes: ['admin'],
  accounts: ['*'],
  kinds: null,
  cidrs: null,
  callsPerMinute: null,
  expiresAt: null,
  sealed: false,
});
