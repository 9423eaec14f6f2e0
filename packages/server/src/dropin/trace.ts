/** What a request turns out to be while it is answered: gathered for the log, never shown to the caller. */
export interface RequestTrace {
  /** Ours, or on the drop-in a request id in WeChat's grammar; the answer to an error names it. */
  requestId: string;
  /** The pattern that matched, e.g. `/v1/accounts/{account}/token`; `unmatched` when none did. */
  route: string;
  keyId: string | null;
  /** Only once it is known to exist and to be the key's to see. */
  accountId: string | null;
  /** The kind of the credential that was handed out. */
  kind: string | null;
  /** Our error code, when it was answered with an error. */
  code: string | null;
  /** WeChat's number in the answer of the drop-in. */
  errcode: number | null;
}

export const newTrace = (requestId: string): RequestTrace => ({
  requestId,
  route: 'unmatched',
  keyId: null,
  accountId: null,
  kind: null,
  code: null,
  errcode: null,
});
