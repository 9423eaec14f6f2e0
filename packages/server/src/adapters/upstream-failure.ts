/**
 * What went wrong with a call, told from an error of undici or Node, without taking over anything it says.
 *
 * Invariant: of the original error only its code and system call survive; messages and further fields may quote
 * a URL.
 */

import { UpstreamError } from '../core/upstream.ts';

export type Delivery = UpstreamError['delivery'];

interface Facts {
  readonly code: string;
  readonly syscall: string;
}

/** An `UpstreamError` with the stable reason, and a cause that is safe to log. */
export function upstreamError(delivery: Delivery, error: unknown): UpstreamError {
  const facts = factsOf(error);
  const reason = delivery === 'unknown' ? reasonAfterSending(facts) : reasonBeforeSending(facts);
  return new UpstreamError(delivery, reason, new Error([facts.code, facts.syscall].filter(Boolean).join(' ') || 'no code'));
}

/** Codes and call names are plain words; whatever else stands there is dropped. */
function factsOf(error: unknown): Facts {
  const { name, code, syscall, errors } = (error ?? {}) as {
    name?: unknown;
    code?: unknown;
    syscall?: unknown;
    errors?: readonly unknown[];
  };
  const word = (value: unknown): string => (typeof value === 'string' && /^\w{1,60}$/.test(value) ? value : '');
  // Several addresses were tried: the first one's failure speaks for all.
  const first = Array.isArray(errors) && errors.length > 0 ? factsOf(errors[0]) : { code: '', syscall: '' };
  // undici's parser knows answers that are no HTTP at all without giving them a code.
  const parser = name === 'HTTPParserError' ? 'HPE_INVALID' : '';
  return { code: word(code) || first.code || parser, syscall: word(syscall) || first.syscall };
}

function reasonBeforeSending({ code, syscall }: Facts): string {
  if (syscall === 'getaddrinfo' || code === 'ENOTFOUND' || code.startsWith('EAI_')) return 'dns';
  // Connecting has its system call or a code of undici's; the handshake has some thirty codes of OpenSSL's.
  if (syscall === 'connect' || code === '' || code.startsWith('UND_ERR')) return 'connect';
  return 'tls';
}

function reasonAfterSending({ code }: Facts): string {
  const isNonsense = code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW' || code.includes('CONTENT_LENGTH');
  return isNonsense ? 'malformed' : 'reset';
}
