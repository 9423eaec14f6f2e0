/** The whole product on a database server, whose clock the test moves as well. */

import { type Product, startProduct } from '../helpers/product.ts';
import { openStore } from '../../src/stores/open.ts';

/** `url` is of an empty database. Nodes of one test share their keys; `env` adds to them. */
export const startOn = (url: string, env: Readonly<Record<string, string>> = {}): Promise<Product> =>
  startProduct({
    flags: { store: url },
    env: { ZHONGKONG_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'), ZHONGKONG_ADMIN_KEY: 'test-admin-key-0123456789', ...env },
    openStore: (store, options) => openStore(store, { ...options, ...(options?.now ? { serverNow: options.now } : {}) }),
  });
