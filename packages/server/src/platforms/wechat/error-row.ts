/** The form of one row of the error table. */

import type { Bilingual, FailureClass } from '../../core/failure.ts';

export interface WechatErrorRow {
  readonly code: number;
  /** Last code of a family that shares one row; absent for a single code. */
  readonly until?: number;
  /** The official wording; on the wire a rid follows. */
  readonly text: string;
  readonly class: FailureClass;
  /** `{ip}` stands for our egress IP as WeChat saw it. */
  readonly advice: Bilingual;
  /** Shortest wait that the code itself asks for, ms. */
  readonly retryAfterMs?: number;
  /** What differs when it answers a request for a credential instead of a call made with one. */
  readonly issuing?: { readonly class: FailureClass; readonly advice: Bilingual };
}
