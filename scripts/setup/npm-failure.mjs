/**
 * From what npm printed to what the user should do: data, first match wins.
 *
 * npm's own last lines are always shown first; the advice never replaces them.
 */

import { SetupFailure } from './failure.mjs';

const CAUSES = [
  {
    pattern: /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT|network/i,
    en: 'npm could not reach its registry. Check the network and proxy (npm config get proxy), or choose a registry you can reach: npm config set registry <address>. Then run the command again.',
    zh: 'npm 无法访问软件源。请检查网络和代理（npm config get proxy），或换一个可访问的源：npm config set registry <地址>，然后重新运行。',
  },
  {
    pattern: /CERT_|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/,
    en: 'npm does not trust the certificate on the way to its registry. Behind a company proxy, set NODE_EXTRA_CA_CERTS to its CA file.',
    zh: 'npm 不信任软件源的 TLS 证书。如果在公司代理之后，请把 NODE_EXTRA_CA_CERTS 设为代理的 CA 证书文件。',
  },
  {
    pattern: /ENOSPC/,
    en: 'The disk is full: free some space (about 500 MB) and run the command again.',
    zh: '磁盘已满：请腾出约 500 MB 空间后重新运行。',
  },
  {
    pattern: /EACCES|EPERM|EROFS/,
    en: 'npm may not write here. Give yourself write access to this folder and to the npm cache (npm config get cache).',
    zh: 'npm 没有写权限。请为当前目录和 npm 缓存目录（npm config get cache）授予写权限。',
  },
  {
    pattern: /EINTEGRITY|Z_DATA_ERROR|TAR_/,
    en: 'A downloaded package was damaged. Run "npm cache verify" and then the command again.',
    zh: '下载的依赖包已损坏。请运行 “npm cache verify” 后重试。',
  },
  {
    pattern: /E404|ETARGET|E403/,
    en: 'The registry does not have a package that the lock file names: a mirror may lag behind. Choose another one: npm config set registry <address>.',
    zh: '软件源中找不到锁文件指定的包：镜像可能滞后。请换一个源：npm config set registry <地址>。',
  },
];

const UNKNOWN = {
  en: 'npm could not install the dependencies; its own message is above. Run "npm ci" to see more.',
  zh: 'npm 安装依赖失败，原因见上。可运行 “npm ci” 查看详情。',
};

const NO_NPM = {
  en: 'npm was not found. It comes with Node: install Node 20.19 or newer from its official package.',
  zh: '找不到 npm。npm 随 Node 一起安装，请安装官方的 Node 20.19 或更高版本。',
};

const TAIL_LINES = 15;

/** @param {{ error?: NodeJS.ErrnoException, stdout?: string | null, stderr?: string | null }} result */
export function explainNpmFailure(result) {
  if (result.error?.code === 'ENOENT') return new SetupFailure(NO_NPM.en, NO_NPM.zh);
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`.trimEnd();
  const cause = CAUSES.find((candidate) => candidate.pattern.test(output)) ?? UNKNOWN;
  return new SetupFailure(cause.en, cause.zh, output.split('\n').slice(-TAIL_LINES).join('\n'));
}
