/**
 * The way to WeChat, and to a lender: name, certificate, an answer, and whose clock is right. Each look has its own deadline, and one
 * that fails says so and keeps none of the others from being made.
 */

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { nodeClock } from '../../adapters/clock.ts';
import type { Config } from '../../config/schema.ts';
import { within } from '../../core/deadline.ts';
import type { Bilingual } from '../../core/failure.ts';
import { type Upstream, UpstreamError } from '../../core/upstream.ts';
import { type Finding, finding, reasonOf } from './finding.ts';

const DEADLINE_MS = 5000;

/** Our times are whole seconds on WeChat's side, so less cannot be told. */
const EXACT_MS = 2000;
/** From here on lifetimes are counted visibly wrong. */
const WRONG_MS = 60_000;
const DAY_MS = 86_400_000;

/** `used`: the `upstreams.*` that there are accounts for; null = all that are configured. */
export async function checkNetwork(
  config: Config,
  upstream: Upstream,
  now: () => number,
  used: ReadonlySet<string> | null = null,
): Promise<Finding[]> {
  const { egressProxy } = config;
  const asked = Object.entries(config.upstreams).filter(([option]) => used?.has(option) !== false);
  const looks = asked.flatMap(([option, origin]) => {
    const base = new URL(origin);
    return [name(base, egressProxy), certificate(base, egressProxy, now), answer(option, base, egressProxy, upstream, now)];
  });
  return (await Promise.all(looks)).flat();
}

/** What each upstream answers in JSON without an account: WeChat 41001. */
const QUESTIONS: Readonly<Record<string, string>> = { wechat: '/cgi-bin/get_api_domain_ip', borrowed: '/healthz' };

const hostOf = (base: URL): string => base.hostname.replace(/^\[|\]$/g, '');

async function name(base: URL, egressProxy: string | null): Promise<Finding[]> {
  const host = hostOf(base);
  // Through a proxy it is the proxy that resolves.
  if (isIP(host) || egressProxy !== null) return [];
  try {
    const addresses = (await within(nodeClock, lookup(host, { all: true }), DEADLINE_MS)).map(({ address }) => address).join(', ');
    return [finding('dns', 'ok', { en: addresses, zh: addresses }, null, host)];
  } catch (error) {
    const text = { en: `cannot be resolved (${reasonOf(error)})`, zh: `无法解析（${reasonOf(error)}）` };
    const advice = {
      en: 'Check /etc/resolv.conf and that UDP and TCP port 53 are open; in a container, its DNS settings.',
      zh: '请检查 /etc/resolv.conf，以及到 DNS 服务器的 53 端口是否放通；容器环境请检查其 DNS 配置。',
    };
    return [finding('dns', 'error', text, advice, host)];
  }
}

interface Peer {
  readonly protocol: string | null;
  readonly validTo: string;
}

function handshake(host: string, port: number): Promise<Peer> {
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({ host, port, rejectUnauthorized: true, ...(isIP(host) ? {} : { servername: host }) });
    socket.setTimeout(DEADLINE_MS, () => socket.destroy(Object.assign(new Error('too late'), { code: 'ETIMEDOUT' })));
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      resolve({ protocol: socket.getProtocol(), validTo: socket.getPeerCertificate().valid_to });
      socket.destroy();
    });
  });
}

async function certificate(base: URL, egressProxy: string | null, now: () => number): Promise<Finding[]> {
  if (base.protocol !== 'https:' || egressProxy !== null) return [];
  const host = hostOf(base);
  try {
    const { protocol, validTo } = await handshake(host, Number(base.port) || 443);
    const days = Math.floor((Date.parse(validTo) - now()) / DAY_MS);
    return [
      finding('tls', 'ok', { en: `${protocol}, certificate good for ${days} days`, zh: `${protocol}，证书剩余 ${days} 天` }, null, host),
    ];
  } catch (error) {
    const text = { en: `no verified connection (${reasonOf(error)})`, zh: `无法建立经过验证的连接（${reasonOf(error)}）` };
    const advice = {
      en: 'ETIMEDOUT or ECONNREFUSED: open egress to port 443, or set egressProxy. A certificate error: the clock of this machine is wrong, its CA list is too old, or something intercepts TLS (then set NODE_EXTRA_CA_CERTS).',
      zh: 'ETIMEDOUT、ECONNREFUSED：请放通到 443 端口的出网，或设置 egressProxy；证书错误：本机时钟不准、CA 列表过旧，或有设备拦截 TLS（此时设置 NODE_EXTRA_CA_CERTS）。',
    };
    return [finding('tls', 'error', text, advice, host)];
  }
}

/** A call that needs no account, and the `Date` of its answer. */
async function answer(option: string, base: URL, egressProxy: string | null, upstream: Upstream, now: () => number): Promise<Finding[]> {
  const { host } = base;
  const before = now();
  try {
    const reply = await upstream.send({ upstream: option, method: 'GET', path: QUESTIONS[option] ?? '/' }, DEADLINE_MS);
    const took = now() - before;
    const reached = isJson(reply.text)
      ? finding('reach', 'ok', { en: `answered in ${took} ms`, zh: `${took} 毫秒内应答` }, null, host)
      : finding(
          'reach',
          'error',
          { en: `HTTP ${reply.status}, but no JSON`, zh: `HTTP ${reply.status}，但内容不是 JSON` },
          inItsPlace(option),
          host,
        );
    return [reached, ...clock(reply.dateMs, before, took, host)];
  } catch (error) {
    const reason = error instanceof UpstreamError ? error.reason : reasonOf(error);
    const text = { en: `no answer (${reason})`, zh: `没有应答（${reason}）` };
    return [finding('reach', 'error', text, noAnswerAdvice(option, base, egressProxy), host)];
  }
}

/** Points only to what was looked at: `name` and `certificate` have no finding behind a proxy or for a plain address. */
function noAnswerAdvice(option: string, base: URL, egressProxy: string | null): Bilingual {
  if (egressProxy !== null) {
    return {
      en: 'Is the egressProxy up, and does it allow CONNECT to this host?',
      zh: '请确认 egressProxy 可用，并允许 CONNECT 到该主机。',
    };
  }
  const rows = [...(isIP(hostOf(base)) ? [] : ['dns']), ...(base.protocol === 'https:' ? ['tls'] : [])];
  if (rows.length > 0) return { en: `See ${rows.join(' and ')} above.`, zh: `请看上面的 ${rows.join(' 和 ')}。` };
  return {
    en: `Is something running at ${base.origin}? See upstreams.${option}.`,
    zh: `请确认 ${base.origin} 上有服务在运行，并检查 upstreams.${option}。`,
  };
}

const inItsPlace = (option: string): Bilingual => ({
  en: `Something between answers in its place: a proxy, a firewall or a login page. Check upstreams.${option} and egressProxy.`,
  zh: `中间设备代为应答：代理、防火墙或认证页面。请检查 upstreams.${option} 和 egressProxy。`,
});

function isJson(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}

function clock(dateMs: number | null, before: number, took: number, host: string): Finding[] {
  if (dateMs === null) return [];
  // `Date` is cut to the second; the middle of both spans is the fairest guess.
  const ahead = before + took / 2 - (dateMs + 500);
  const off = Math.abs(ahead);
  if (off <= EXACT_MS + took / 2) return [finding('clock', 'ok', { en: `agrees with ${host}`, zh: `与 ${host} 一致` })];
  const amount = `${(off / 1000).toFixed(0)} s`;
  const text = {
    en: `this machine is ${amount} ${ahead > 0 ? 'ahead of' : 'behind'} ${host}`,
    zh: `本机时钟比 ${host} ${ahead > 0 ? '快' : '慢'} ${amount}`,
  };
  const advice = {
    en: 'Set up time synchronisation (chrony, systemd-timesyncd). A wrong clock makes lifetimes wrong, and far off breaks TLS.',
    zh: '请启用时间同步（chrony、systemd-timesyncd）。时钟不准会使有效期计算出错，偏差过大还会导致 TLS 失败。',
  };
  return [finding('clock', off > WRONG_MS ? 'error' : 'warning', text, advice)];
}
