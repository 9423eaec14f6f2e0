/** Reads the server's own certificate and key; what is wrong with them stops the start with the option's name. */

import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ZhongkongError } from '../../core/errors.ts';

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** PEM texts, checked to belong together. Throws `config_invalid`. */
export function readTls({ certFile, keyFile }: TlsFiles): SecureContextOptions {
  const options: SecureContextOptions = {
    cert: read('tls.certFile', certFile),
    key: read('tls.keyFile', keyFile),
    minVersion: 'TLSv1.2',
  };
  try {
    createSecureContext(options);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const what = {
      en: `tls: ${certFile} and ${keyFile} are not a PEM certificate and its key (${code ?? 'unreadable'})`,
      zh: `tls：${certFile} 和 ${keyFile} 不是成对的 PEM 证书和私钥（${code ?? 'unreadable'}）`,
    };
    throw new ZhongkongError('config_invalid', what, { cause: error });
  }
  return options;
}

function read(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const what = { en: `${option}: ${path} cannot be read (${code})`, zh: `${option}：无法读取 ${path}（${code}）` };
    throw new ZhongkongError('config_invalid', what, { cause: error });
  }
}
