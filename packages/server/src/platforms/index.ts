/** Every credential kind that can be kept: the one list that catalogues are made of. */

import type { KindDeclaration } from '../core/kind.ts';
import { accessToken } from './wechat/access-token.ts';

export const KINDS: readonly KindDeclaration[] = [accessToken];
