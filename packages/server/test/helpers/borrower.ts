/**
 * A server that borrows from another one: real sockets, a SQLite file of its own, and the lender's clock, which is the
 * simulator's. So hours pass for the three of them at once.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/load.ts';
import { PLATFORM_MODES } from '../../src/platforms/index.ts';
import { startNode } from './product.ts';
import type { ShiftClock } from './shift-clock.ts';

export interface BorrowerOptions {
  /** The AppID, which is the account's id here too. */
  readonly id: string;
  /** The lender's address. */
  readonly lender: string;
  /** An API key of the lender. */
  readonly key: string;
  readonly clock: ShiftClock;
}

export interface Told {
  readonly value: string;
  readonly expires_in: number;
}

export async function startBorrower({ id, lender, key, clock }: BorrowerOptions) {
  const folder = mkdtempSync(join(tmpdir(), 'zhongkong-borrower-'));
  const config = await loadConfig({
    flags: {
      listen: '127.0.0.1:0',
      store: `sqlite:${join(folder, 'zhongkong.db')}`,
      'upstreams.borrowed': lender,
      // Borrowing needs no way to WeChat.
      'upstreams.wechat': 'http://127.0.0.1:9',
      'log.level': 'silent',
    },
    env: { ZHONGKONG_ACCOUNTS: JSON.stringify([{ id, platform: 'borrowed', secret: key }]) },
    cwd: folder,
    platforms: PLATFORM_MODES,
  });
  const { engine, monitor, server, adminKey } = await startNode(config, clock);
  const form = { name: 'test', scopes: ['credential:read', 'credential:refresh'] as const, accounts: ['*'] };
  const { key: ownKey } = await engine.keys.create(form, 'test');

  const call = async (path: string, body?: unknown, as: string | null = ownKey) => {
    const response = await fetch(`${server.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${as}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, json: JSON.parse((await response.text()) || 'null') };
  };

  return {
    ...{ engine, monitor, call, key: ownKey, url: server.url },

    /** What a caller is told now. */
    async read(): Promise<Told> {
      const { status, json } = await call(`/v1/accounts/${id}/token`);
      if (status !== 200) throw new Error(`no token: ${status} ${JSON.stringify(json)}`);
      return json;
    },

    report: async (value: string) => (await call(`/v1/accounts/${id}/credentials/access_token/report`, { value })).json,

    /** What its operator sees of the credential. */
    status: async () => (await call('/v1/status', undefined, adminKey)).json.credentials[0],

    /** What it is at has ended, as in `Product.landed`. */
    async landed(): Promise<void> {
      for (let write = 0; write < 3; write += 1) await engine.store.ping();
      await engine.keeper.drain();
    },

    async close(): Promise<void> {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type Borrower = Awaited<ReturnType<typeof startBorrower>>;
