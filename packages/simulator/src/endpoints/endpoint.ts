/**
 * An endpoint is declared, not coded into a router: method, body, who may call, and `run`.
 * `run` returns an Answer, or the errcode with which the call is refused; the serving code puts the
 * text, the rid and the counters to it.
 */
import type { Account, Platform } from '../state/account.ts';
import type { IssueEffects } from '../state/issuer.ts';
import type { Answer, Call } from '../wire.ts';
import type { World } from '../world.ts';

export interface Context {
  readonly world: World;
  /** Every endpoint there is, by path. */
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly call: Call;
  /** The one instant of this call, epoch ms. */
  readonly now: number;
  readonly effects: IssueEffects;
  /** Whose call it is, once known; kept on refusals too, so that they are counted there. */
  account: Account | null;
  /** The parsed body; empty when the endpoint takes none. */
  json: Record<string, unknown>;
}

export interface Endpoint {
  readonly path: string;
  readonly method: 'GET' | 'POST';
  /** `json`: an object is required · `raw`: `run` reads the bytes · `maybe_json`: may be absent. */
  readonly body: 'none' | 'json' | 'maybe_json' | 'raw';
  /** `token`: the access_token is checked before `run` · `secret`: `run` checks what the call claims. */
  readonly access: 'token' | 'secret';
  /** With `access: 'token'`: other platforms get 48001; absent: all. */
  readonly platforms?: readonly Platform[];
  readonly run: (context: Context) => Answer | number;
}
