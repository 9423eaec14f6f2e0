/** Every credential kind that can be kept: the one list that catalogues are made of. */

import { Catalog, type KindDeclaration } from '../core/kind.ts';
import { borrowedAccessToken } from './borrowed/access-token.ts';
import { accessToken } from './wechat/access-token.ts';

export const KINDS: readonly KindDeclaration[] = [accessToken, borrowedAccessToken];

export const CATALOG = new Catalog(KINDS);

/** The modes of each platform, default first. */
export const PLATFORM_MODES: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  CATALOG.platforms.map((platform) => [platform, CATALOG.modes(platform)]),
);
