/**
 * A process's way to WeChat: latency, requests and answers that get lost, nonsense from proxies, a process that is
 * paused with a request in its hands.
 *
 * Before the deadline WeChat has acted or never will; what a process sent before it died, or just before it was frozen,
 * WeChat gets all the same.
 */

import { type Upstream, UpstreamError, type UpstreamReply, type UpstreamRequest } from '../src/core/upstream.ts';
import type { Dice } from './dice.ts';
import { never, type Process } from './process.ts';
import type { Scheduler } from './scheduler.ts';
import { type Issue, refusal, type Wechat } from './wechat.ts';

export type OutageForm = 'timeout' | 'connect' | 'busy' | 'html';

export interface WechatWeather {
  /** How WeChat fails for everybody, or null. */
  outage: OutageForm | null;
  /** Share of calls that fail. */
  failing: number;
  latencyMs: number;
}

export interface UpstreamLinkDeps {
  readonly process: Process;
  readonly wechat: Wechat;
  readonly scheduler: Scheduler;
  readonly dice: Dice;
  readonly weather: WechatWeather;
  /** The ledger's entry for a request for a token, judged before it leaves; null for other calls. */
  readonly issueOf: (request: UpstreamRequest, leavesAt: number) => Issue | null;
  readonly failed: (what: string) => void;
}

type Fate = 'answered' | 'never left' | 'request lost' | 'answer lost' | 'busy' | 'html' | 'html after acting';

const FAILURES: readonly Fate[] = ['never left', 'request lost', 'answer lost', 'busy', 'html', 'html after acting'];
const OUTAGES: Readonly<Record<OutageForm, readonly Fate[]>> = {
  // A WeChat that hangs may act all the same.
  timeout: ['request lost', 'request lost', 'answer lost'],
  connect: ['never left'],
  busy: ['busy'],
  html: ['html'],
};
const HTML = '<html><body>502 Bad Gateway</body></html>';

export class UpstreamLink implements Upstream {
  readonly #deps: UpstreamLinkDeps;

  constructor(deps: UpstreamLinkDeps) {
    this.#deps = deps;
  }

  send(request: UpstreamRequest, deadlineMs: number): Promise<UpstreamReply> {
    const { process, scheduler, dice, weather, wechat, issueOf, failed } = this.#deps;
    if (process.dead) return never();
    const asking = !request.path.endsWith('get_api_domain_ip');
    const call = asking ? 'issue' : 'probe';
    const before = process.spring(call, 'before');
    if (before?.what === 'crash') {
      process.crash();
      return never();
    }
    if (before) process.freeze(before.pauseMs);
    const leavesIn = Math.max(0, process.frozenUntil - scheduler.now);
    const issue = issueOf(request, scheduler.now + leavesIn);
    const fate = this.#fate();
    const thereMs = leavesIn + Math.min(weather.latencyMs * (0.5 + dice.unit()), deadlineMs - 1);
    const backMs = thereMs + weather.latencyMs * dice.unit();
    if (fate !== 'answered') failed(`${call}: ${fate}`);
    if (issue && fate !== 'answered') issue.lostBecause = fate;
    let reply: UpstreamReply | null = null;
    if (fate === 'answered' || fate === 'answer lost' || fate === 'html after acting') {
      scheduler.after(thereMs, null, () => {
        reply = wechat.answer(request, issue);
      });
    }
    const after = process.spring(call, 'after') ?? (before?.thenCrash ? before : null);
    if (after && issue) issue.lostBecause = `${after.what} before the answer`;
    if (after?.what === 'pause' && !before) scheduler.after(thereMs, null, () => process.freeze(after.pauseMs));
    // It dies with the answer on its way.
    if (after && (after.what === 'crash' || before)) scheduler.after(thereMs + 0.001, null, () => process.crash());
    // A process that goes on after a pause may find its timer run out before it looks for an answer.
    const tooLate = backMs > leavesIn + deadlineMs || (before !== null && dice.chance(0.3));
    if (tooLate && issue && fate === 'answered') issue.lostBecause = 'answer too late';
    const settleIn = fate === 'never left' ? leavesIn + dice.between(1, 200) : tooLate ? leavesIn + deadlineMs : backMs;
    return new Promise((resolve, reject) => {
      const lost = fate === 'request lost' || fate === 'answer lost' || tooLate;
      process.after(lost ? leavesIn + deadlineMs : settleIn, () => {
        if (fate === 'never left') reject(new UpstreamError('never_left', 'connect'));
        else if (lost) reject(new UpstreamError('unknown', 'timeout'));
        else if (fate === 'busy') resolve({ status: 200, text: refusal(-1), dateMs: null });
        else if (fate === 'answered' && reply !== null) resolve(reply);
        else resolve({ status: 502, text: HTML, dateMs: null });
      });
    });
  }

  #fate(): Fate {
    const { process, dice, weather } = this.#deps;
    if (process.wechatCut) return dice.pick(['never left', 'request lost'] as const);
    if (weather.outage !== null) return dice.pick(OUTAGES[weather.outage]);
    return weather.failing > 0 && dice.chance(weather.failing) ? dice.pick(FAILURES) : 'answered';
  }
}
