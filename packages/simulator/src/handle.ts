/**
 * One call with its faults: what strikes before WeChat works, the work itself, what strikes after.
 * Returns at once, without a promise, unless a latency asks for time.
 */
import { rogueFetch } from './control/rogue.ts';
import type { Instead, Plan, When } from './faults/plan.ts';
import { jsonBody, queryParam } from './params.ts';
import { refuse, serve } from './serve.ts';
import { type Answer, type Call, type Outcome, replyOf } from './wire.ts';
import type { World } from './world.ts';

export type Sleep = (ms: number) => Promise<void>;

export function handle(world: World, call: Call, sleep: Sleep): Outcome | Promise<Outcome> {
  const plan = world.faults.size === 0 ? null : world.faults.plan(targetOf(world, call), world.clock.now());
  if (!plan) return replyOf(serve(world, call), world.clock.now());
  const { before, after } = plan.delayMs;
  if (before + after === 0) return finish(world, call, plan, work(world, call, plan));
  return slowly(world, call, plan, sleep);
}

async function slowly(world: World, call: Call, plan: Plan, sleep: Sleep): Promise<Outcome> {
  if (plan.delayMs.before > 0) await sleep(plan.delayMs.before);
  const worked = work(world, call, plan);
  if (plan.delayMs.after > 0) await sleep(plan.delayMs.after);
  return finish(world, call, plan, worked);
}

/** WeChat's own work, unless something before it answers. */
function work(world: World, call: Call, plan: Plan): Instead {
  rogues(world, call, plan, 'before');
  const early = plan.instead.before;
  const answered: Instead = early ?? { kind: 'answer', answer: serve(world, call, plan.effects) };
  rogues(world, call, plan, 'after');
  return early ? answered : (plan.instead.after ?? answered);
}

function finish(world: World, call: Call, plan: Plan, worked: Instead): Outcome {
  if (worked.kind === 'drop' || worked.kind === 'hang') return worked;
  const answer = plan.edits.reduce(
    (edited, edit) => edit(edited),
    worked.kind === 'answer' ? worked.answer : errcodeAnswer(world, call, worked),
  );
  return replyOf(answer, world.clock.now() + plan.dateSkewMs, plan.cutAt ?? undefined);
}

function errcodeAnswer(world: World, call: Call, { errcode, errmsg }: Instead & { kind: 'errcode' }): Answer {
  return refuse(world, call, errcode, accountOf(world, call), world.clock.now(), errmsg);
}

function rogues(world: World, call: Call, plan: Plan, when: When): void {
  if (plan.rogue[when].length === 0) return;
  const account = world.directory.find(accountOf(world, call) ?? '');
  if (account) for (const { chain, force } of plan.rogue[when]) rogueFetch(world, account, chain, force);
}

function targetOf(world: World, call: Call) {
  let known: string | null | undefined;
  return {
    path: call.path,
    clientIp: call.clientIp,
    account: () => {
      if (known === undefined) known = accountOf(world, call);
      return known;
    },
  };
}

/** Whose call it is, without judging it: by the token it shows, else by the appid it names. */
function accountOf(world: World, call: Call): string | null {
  const token = queryParam(call.query, 'access_token');
  if (token) return world.issuer.lookup(token)?.account ?? null;
  const named = queryParam(call.query, 'appid');
  if (named) return named;
  const json = jsonBody(call.body);
  return typeof json !== 'number' && typeof json.appid === 'string' ? json.appid : null;
}
