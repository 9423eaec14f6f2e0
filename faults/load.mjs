/**
 * The callers: they read, half by /v1 and half by the drop-in; every fourth uses what it got at WeChat, and of those
 * that WeChat rejects every second reports it. What they saw goes into a log of plain rows; nothing is judged here.
 */

import { Pool } from 'undici';
import { wait } from './until.mjs';

const CALLERS = 24;
/** Between two reads of one caller: some 600 to 1000 reads a second in all. */
const THINK_MS = 20;
const USES_EVERY = 4;
const DEAD = new Set([40001, 40014, 42001]);

/** The two ways to read. `parse` gives `{ value, generation, state }`, or null when it was refused. */
export const READS = {
  own: {
    request: (account, key) => ({ path: `/v1/accounts/${account}/token`, headers: { authorization: `Bearer ${key}` } }),
    parse: ({ status, text }) => (status === 200 ? pick(JSON.parse(text)) : null),
  },
  dropIn: {
    request: (account, key) => ({ path: `/cgi-bin/token?grant_type=client_credential&appid=${account}&secret=${key}`, headers: {} }),
    parse({ status, text }) {
      const { access_token: value } = JSON.parse(text);
      return status === 200 && value !== undefined ? pick({ value }) : null;
    },
  },
};

const pick = ({ value, generation = null, state = null }) => ({ value, generation, state });

export class Load {
  /** `{ account, node, askedAt, arrivedAt, value, generation, state }`; the drop-in tells no generation (null). */
  reads = [];
  /** `{ account, node, askedAt, arrivedAt, why }`; node null = no node answered. */
  refused = [];
  uses = 0;
  /** `{ account, value, at, errcode }` */
  rejected = [];
  /** Outcome → how many. */
  reports = {};
  #deps;
  #running = true;
  #callers = [];
  #simulator;

  /** `{ balancer, simulator, accounts, key, random }`; `random.unit()` draws, `accounts` are AppIDs. */
  constructor(deps) {
    this.#deps = deps;
    this.#simulator = new Pool(deps.simulator, { connections: CALLERS });
  }

  start() {
    this.#callers = Array.from({ length: CALLERS }, (_, number) => this.#caller(number));
  }

  /** Every caller has had its last answer. */
  async end() {
    this.#running = false;
    await Promise.all(this.#callers);
    await this.#simulator.destroy();
  }

  async #caller(number) {
    const { accounts, random } = this.#deps;
    for (let turn = number; this.#running; turn += 1) {
      const account = accounts[Math.floor(random.unit() * accounts.length)];
      const read = await this.#read(account, turn % 2 === 0 ? READS.own : READS.dropIn);
      if (read && turn % USES_EVERY === 0) await this.#use(account, read.value, turn);
      await wait(THINK_MS);
    }
  }

  async #read(account, { request, parse }) {
    const { balancer, key } = this.#deps;
    const { path, headers } = request(account, key);
    const askedAt = Date.now();
    const answer = await balancer.ask(path, { headers });
    const when = { account, node: answer?.node ?? null, askedAt, arrivedAt: Date.now() };
    const got = answer === null ? null : parse(answer);
    if (got === null) {
      this.refused.push({ ...when, why: answer === null ? 'no node answered' : `${answer.status} ${answer.text.slice(0, 200)}` });
      return null;
    }
    const read = { ...when, ...got };
    this.reads.push(read);
    return read;
  }

  async #use(account, value, turn) {
    const response = await this.#simulator.request({ path: `/cgi-bin/get_api_domain_ip?access_token=${value}`, method: 'GET' });
    const { errcode = 0 } = await response.body.json();
    this.uses += 1;
    if (errcode === 0) return;
    this.rejected.push({ account, value, at: Date.now(), errcode });
    if (DEAD.has(errcode) && turn % (2 * USES_EVERY) === 0) await this.#report(account, value);
  }

  async #report(account, value) {
    const { balancer, key } = this.#deps;
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const path = `/v1/accounts/${account}/credentials/access_token/report`;
    const answer = await balancer.ask(path, { method: 'POST', headers, body: JSON.stringify({ value }) });
    const outcome = answer === null ? 'no answer' : (JSON.parse(answer.text).outcome ?? `status ${answer.status}`);
    this.reports[outcome] = (this.reports[outcome] ?? 0) + 1;
  }
}
