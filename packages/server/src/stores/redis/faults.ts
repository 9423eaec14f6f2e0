/**
 * What can be wrong with a Redis, as the one error an operator reads: what happened, where, what to do.
 *
 * Keyed by the first word of Redis's reply, by Node's name of a network or TLS error, or by what the driver says.
 */

import { ZhongkongError } from '../../core/errors.ts';
import type { Bilingual } from '../../core/failure.ts';
import type { StoreTrouble } from '../../core/store-trouble.ts';

interface Fault {
  readonly trouble: StoreTrouble;
  /** Completes "<place> …". */
  readonly what: Bilingual;
  readonly advice: Bilingual;
}

const AWAY: Fault = {
  trouble: 'store_unreachable',
  what: { en: 'cannot be reached', zh: '无法连接' },
  advice: {
    en: 'Check that Redis runs and that the host, the port and the firewall let this machine in. Work goes on by itself once it answers.',
    zh: '请检查 Redis 是否在运行，以及地址、端口和防火墙是否允许本机访问；恢复后会自动继续。',
  },
};
const SLOW: Fault = {
  trouble: 'store_busy',
  what: { en: 'did not answer in time', zh: '未在时限内应答' },
  advice: {
    en: 'Look at the load of Redis and at the network between; with rediss:// also whether the port speaks TLS. What was asked may have been done all the same.',
    zh: '请检查 Redis 的负载和两端之间的网络；使用 rediss:// 时还请确认端口支持 TLS。超时的操作有可能已经执行。',
  },
};
const NO_NAME: Fault = {
  trouble: 'store_unreachable',
  what: { en: 'has a host name that is not known', zh: '的主机名无法解析' },
  advice: {
    en: 'Correct the host in the option "store", or the DNS of this machine.',
    zh: '请检查 store 配置中的主机名，或本机的 DNS。',
  },
};
const TLS: Fault = {
  trouble: 'store_tls_failed',
  what: { en: 'has a certificate that is not trusted here', zh: '的证书不受信任' },
  advice: {
    en: 'The certificate must be for this host name. Trust a CA of your own with NODE_EXTRA_CA_CERTS=FILE.',
    zh: '证书须与主机名相符；自建 CA 请用 NODE_EXTRA_CA_CERTS=文件 使其受信任。',
  },
};
const WRONG_PASSWORD: Fault = {
  trouble: 'store_auth_failed',
  what: { en: 'refuses this user name or password', zh: '拒绝了该用户名或密码' },
  advice: {
    en: 'Correct them in the option "store" (special characters as %XX), best through the environment: ZHONGKONG_STORE.',
    zh: '请更正 store 配置中的用户名和密码（特殊字符需写成 %XX），建议通过环境变量 ZHONGKONG_STORE 传入。',
  },
};
const NO_PERMISSION: Fault = {
  trouble: 'store_forbidden',
  what: { en: 'forbids this user what Zhongkong needs', zh: '不允许该用户执行 Zhongkong 所需的操作' },
  advice: {
    en: 'Allow the user the keys, the channel and the commands that the operations page lists (ACL SETUSER).',
    zh: '请按运维文档的清单，用 ACL SETUSER 授予该用户所需的键、频道和命令权限。',
  },
};
const NO_DATABASE: Fault = {
  trouble: 'store_missing',
  what: { en: 'has no database of this number', zh: '没有这个编号的数据库' },
  advice: {
    en: 'Correct the number at the end of the URL; a Redis Cluster and some managed offerings have only 0.',
    zh: '请更正 URL 末尾的数据库编号；Redis Cluster 和部分云服务只有 0 号库。',
  },
};
const REPLICA: Fault = {
  trouble: 'store_read_only',
  what: { en: 'is a replica and cannot be written', zh: '是从节点，不可写' },
  advice: {
    en: 'Point the option "store" at the primary. After a failover Zhongkong connects anew until the name leads there.',
    zh: '请把 store 配置指向主节点；发生主从切换后会自动重连，直到该地址指向新的主节点。',
  },
};
const FULL: Fault = {
  trouble: 'store_full',
  what: { en: 'is out of memory and takes no more writes', zh: '内存已满，拒绝写入' },
  advice: {
    en: 'Raise maxmemory or remove other data. Nothing that was acknowledged is lost; keep maxmemory-policy noeviction.',
    zh: '请调大 maxmemory 或清理其他数据；已确认写入的数据不会丢失，请保持 maxmemory-policy 为 noeviction。',
  },
};
const DISK: Fault = {
  trouble: 'store_full',
  what: { en: 'cannot save to its disk and therefore takes no writes', zh: '无法落盘，因此拒绝写入' },
  advice: {
    en: "Look at Redis's log: a full disk, or no right to write its folder. It takes writes again once saving works.",
    zh: '请查看 Redis 日志：通常是磁盘已满或目录没有写权限；恢复落盘后会自动继续。',
  },
};
const LOADING: Fault = {
  trouble: 'store_starting',
  what: { en: 'is still loading its data after a start', zh: '正在加载数据' },
  advice: {
    en: 'Wait; work goes on by itself when it is done.',
    zh: '请稍候，加载完成后会自动继续。',
  },
};
const BUSY: Fault = {
  trouble: 'store_busy',
  what: { en: 'is held up by a script that does not end', zh: '被一个未结束的脚本阻塞' },
  advice: {
    en: "Find out whose it is (SLOWLOG). Zhongkong's own scripts take well under a millisecond each.",
    zh: '请用 SLOWLOG 查明是谁的脚本；Zhongkong 自己的脚本每次远小于一毫秒。',
  },
};
const CLUSTER: Fault = {
  trouble: 'store_misconfigured',
  what: { en: 'is a node of a Redis Cluster that does not hold our keys', zh: '是 Redis Cluster 的节点，不持有我们的键' },
  advice: {
    en: 'Use a primary with replicas, or the proxy address of a managed cluster. All keys of one installation are in one slot.',
    zh: '请使用主从架构，或云厂商集群版的代理地址；同一套部署的所有键都在同一个槽内。',
  },
};
const NO_REPLICAS: Fault = {
  trouble: 'store_read_only',
  what: { en: 'takes no writes because too few replicas follow it', zh: '的副本不足，拒绝写入' },
  advice: {
    en: 'Bring the replicas back, or lower min-replicas-to-write.',
    zh: '请恢复副本，或调低 min-replicas-to-write。',
  },
};
const NO_SCRIPTS: Fault = {
  trouble: 'store_misconfigured',
  what: { en: 'does not run Lua scripts', zh: '不支持 Lua 脚本' },
  advice: {
    en: 'Zhongkong needs EVAL and EVALSHA of Redis 6 or newer. Enable scripting, or use another store.',
    zh: 'Zhongkong 需要 Redis 6 及以上的 EVAL 和 EVALSHA；请开启脚本功能，或改用其他存储。',
  },
};
const OTHER: Fault = {
  trouble: 'store_failed',
  what: { en: 'refused an operation', zh: '拒绝了一次操作' },
  advice: {
    en: 'The log has the cause. If it stays, please report it.',
    zh: '请查看日志中的原因；如持续出现，请反馈给我们。',
  },
};

const BY_REPLY: Readonly<Record<string, Fault>> = {
  WRONGPASS: WRONG_PASSWORD,
  NOAUTH: WRONG_PASSWORD,
  NOPERM: NO_PERMISSION,
  READONLY: REPLICA,
  MASTERDOWN: REPLICA,
  OOM: FULL,
  MISCONF: DISK,
  LOADING: LOADING,
  BUSY: BUSY,
  MOVED: CLUSTER,
  CLUSTERDOWN: CLUSTER,
  CROSSSLOT: CLUSTER,
  NOREPLICAS: NO_REPLICAS,
};

const BY_SYSTEM_CODE: Readonly<Record<string, Fault>> = {
  ENOTFOUND: NO_NAME,
  EAI_AGAIN: NO_NAME,
  DEPTH_ZERO_SELF_SIGNED_CERT: TLS,
  SELF_SIGNED_CERT_IN_CHAIN: TLS,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: TLS,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: TLS,
  CERT_HAS_EXPIRED: TLS,
  ERR_TLS_CERT_ALTNAME_INVALID: TLS,
};

/** What only the text tells. The driver's own errors, and replies that begin with a plain ERR. */
const BY_TEXT: readonly (readonly [RegExp, Fault])[] = [
  [/DB index is out of range|SELECT is not allowed/i, NO_DATABASE],
  [/invalid password|without any password configured|invalid username/i, WRONG_PASSWORD],
  [/unknown command.*eval|Write commands not allowed after non deterministic/i, NO_SCRIPTS],
  [/Command timed out|Socket timeout|ETIMEDOUT/, SLOW],
  [/ssl|tls/i, TLS],
  [/Stream isn't writeable|Connection is closed|max retries per request|ECONN|EPIPE|EHOST|ENET/i, AWAY],
];

/** `seen` is the last error of the connection itself, which says more than "closed". */
export function redisFault(place: string, error: unknown, seen?: unknown): ZhongkongError {
  const own = faultOf(error);
  const why = own === AWAY || own === OTHER ? faultOf(seen) : null;
  const known = why === null || why === OTHER ? own : why;
  const { trouble, what, advice } = known ?? OTHER;
  return new ZhongkongError(
    'store_unavailable',
    { en: `${place} ${what.en}`, zh: `${place} ${what.zh}` },
    { trouble, advice, cause: withoutArguments(error) },
  );
}

function faultOf(error: unknown): Fault | null {
  if (!(error instanceof Error)) return null;
  const code = 'code' in error ? String(error.code) : '';
  // A script's errors come as "ERR … script: …" or with the inner reply first.
  const word = /^(?:ERR Error running script[^:]*:\s*@?\w*:?\s*\d*:?\s*)?-?([A-Z]+)\b/.exec(error.message)?.[1] ?? '';
  return (
    BY_REPLY[word] ?? BY_SYSTEM_CODE[code] ?? BY_TEXT.find(([pattern]) => pattern.test(error.message) || pattern.test(code))?.[1] ?? OTHER
  );
}

/** The driver hangs the command on its errors, and Redis quotes one it does not know: with sealed secrets, or a password. */
function withoutArguments(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const bare = new Error(error.message.replace(/, with args beginning with:.*/s, ''));
  bare.name = error.name;
  return bare;
}
