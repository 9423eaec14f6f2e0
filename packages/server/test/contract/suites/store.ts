/** Everything a Store promises: the three ports, and its own life. */

import { describe, expect, test } from 'vitest';
import { archiveContract } from './archive.ts';
import { credentialStoreContract } from './credential-store.ts';
import { directoryContract } from './directory.ts';
import { dueQueueContract } from './due-queue.ts';
import { credentialId, type OpenPair, useStore } from './pair.ts';

export function storeContract(open: OpenPair): void {
  credentialStoreContract(open);
  dueQueueContract(open);
  directoryContract(open);
  archiveContract(open);

  describe('Store', () => {
    const store = useStore(open);

    test('ping resolves', async () => {
      await store.a.ping();
      await store.b.ping();
    });

    test('close is idempotent and leaves the other handle alone', async () => {
      await store.a.credentials.schedule(credentialId(), 1);
      await Promise.all([store.a.close(), store.a.close()]);
      await store.a.close();
      expect(await store.b.credentials.read(credentialId())).toMatchObject({ nextAttemptAt: 1 });
      await store.b.ping();
    });
  });
}
