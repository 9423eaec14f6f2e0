/**
 * What a move copies, in two parts. Beside a server that goes on issuing: the audit trail, accounts and keys, whatever
 * time that takes. Then, while nobody issues: the credentials, each under a lease, and what was changed meanwhile.
 */

import { ZhongkongError } from '../../core/errors.ts';
import { STANDING } from '../../core/standing.ts';
import type { Census, Page, Store } from '../../core/store.ts';
import { AuditCopy } from './audit-copy.ts';
import { CatchUp } from './catch-up.ts';
import { holdAll, type Holding, PAGE } from './held.ts';

/** Rounds of catching up before giving up: each carries over what was changed during the one before. */
const MAX_ROUNDS = 20;
const ROUND_MS = 200;

export class Copy {
  readonly #holding: Holding;
  readonly #target: Store;
  readonly #catchUp: CatchUp;
  readonly #audit: AuditCopy;

  private constructor(holding: Holding, target: Store, catchUp: CatchUp) {
    this.#holding = holding;
    this.#target = target;
    this.#catchUp = catchUp;
    this.#audit = new AuditCopy(holding.store, target, holding.pace);
  }

  static async start(holding: Holding, target: Store): Promise<Copy> {
    return new Copy(holding, target, await CatchUp.start(holding, target));
  }

  async besideServers(): Promise<void> {
    const { store, pace, assertOurs } = this.#holding;
    const { archive } = this.#target;
    const catchUp = this.#catchUp;
    await this.#audit.most(async () => {
      await assertOurs();
      await catchUp.listen();
    });
    for await (const page of pages((from) => store.directory.accounts(from), assertOurs)) {
      await catchUp.listen();
      // What was changed comes later, as it is then: its identity may still be another's in the copy.
      const accounts = page.filter(({ id }) => !catchUp.hasAccount(id));
      await archive.put({ accounts });
      pace.wrote('accounts', accounts.length);
    }
    for await (const page of pages((from) => store.directory.keys(from), assertOurs)) {
      await catchUp.listen();
      const keys = page.filter(({ id }) => !catchUp.hasKey(id));
      await archive.put({ keys });
      pace.wrote('keys', keys.length);
    }
  }

  /** `heardAt`: from then on every server on the source knows that nothing may be changed. */
  async whileNobodyIssues(place: string, heardAt: number): Promise<Census> {
    const { store, pace, assertOurs } = this.#holding;
    const target = this.#target;
    for await (const credentials of holdAll(this.#holding)) {
      await target.archive.put({ credentials });
      pace.wrote('credentials', credentials.length);
      this.#catchUp.reached(credentials);
      await this.#catchUp.listen();
    }
    await target.archive.raiseFenceFloor(await store.archive.fenceFloor());
    await pace.sleep(Math.max(0, heardAt - pace.now()));
    for (let round = 0; !(await this.#isComplete()); round += 1) {
      if (round >= MAX_ROUNDS) throw keepsChanging(place);
      await pace.sleep(ROUND_MS);
      await assertOurs();
    }
    await copySettings(store, target);
    return target.archive.census();
  }

  async #isComplete(): Promise<boolean> {
    if (await this.#catchUp.run()) return false;
    if ((await this.#audit.rest()) > 0) return false;
    const [here, there] = [await this.#holding.store.archive.census(), await this.#target.archive.census()];
    // Old lines may have been pruned on the source after they were copied.
    const isSame = here.accounts === there.accounts && here.keys === there.keys && here.credentials === there.credentials;
    return isSame && here.audit <= there.audit;
  }
}

const keepsChanging = (place: string): ZhongkongError =>
  new ZhongkongError(
    'conflict',
    { en: `${place} keeps changing`, zh: `${place} 一直有改动` },
    {
      advice: {
        en: 'Let nothing change accounts and keys meanwhile, and run it again.',
        zh: '请在迁移期间停止修改账号和 key，然后重新执行。',
      },
    },
  );

async function copySettings({ archive }: Store, { directory }: Store): Promise<void> {
  for (const { name, value } of await archive.settings()) {
    if (name !== STANDING) await directory.putSetting(name, await directory.setting(name), value);
  }
}

async function* pages<T extends { readonly id: string }>(
  read: (page: Page) => Promise<readonly T[]>,
  assertOurs: () => Promise<void>,
): AsyncGenerator<readonly T[]> {
  for (let after: string | null = null; ; ) {
    await assertOurs();
    const page: readonly T[] = await read({ after, limit: PAGE });
    if (page.length > 0) yield page;
    if (page.length < PAGE) return;
    after = page.at(-1)?.id ?? null;
  }
}
