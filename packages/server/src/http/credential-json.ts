/**
 * The answer that hands out a credential under `/v1`: status, headers and JSON text.
 *
 * The route and the Node host's fast path both answer with what this function makes, so they are byte for byte alike.
 */

import type { ServedCredential } from '../core/credential.ts';
import type { Answer } from '../dropin/answers.ts';

/** The fields of a served credential on the wire, in their order. Instants RFC 3339, durations whole seconds. */
export function credentialFields(served: ServedCredential) {
  return {
    account: served.id.account,
    kind: served.id.kind,
    value: served.value,
    expires_in: Math.floor(served.expiresInMs / 1000),
    expires_at: new Date(served.expiresAt).toISOString(),
    issued_at: new Date(served.issuedAt).toISOString(),
    generation: served.generation,
    state: served.state,
  };
}

/** The headers of every answer with a credential in it. */
export function credentialHeaders(generation: number): Readonly<Record<string, string>> {
  return {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'zhongkong-generation': String(generation),
  };
}

/** 200 with the credential. */
export function credentialAnswer(served: ServedCredential): Answer {
  return { status: 200, headers: credentialHeaders(served.generation), body: JSON.stringify(credentialFields(served)) };
}
