/**
 * getticket: jsapi and wx_card tickets (and the undocumented `type=2` that one SDK uses). Inside its
 * life the same ticket comes again, told to live the full life (one field report; both are knobs).
 */
import { queryParam } from '../params.ts';
import type { Account } from '../state/account.ts';
import type { Kind } from '../state/chain.ts';
import { type Answer, okJson } from '../wire.ts';
import type { Context, Endpoint } from './endpoint.ts';

export const TICKET_PATH = '/cgi-bin/ticket/getticket';
const TYPES: Readonly<Record<string, Kind>> = { jsapi: 'jsapi', wx_card: 'wx_card', '2': 'sdk' };

function getticket({ world, call, now, effects, account: owner }: Context): Answer | number {
  const { knobs, issuer } = world;
  const account = owner as Account;
  const type = queryParam(call.query, 'type') ?? '';
  const kind = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
  if (!kind) return knobs.badTicketTypeCode;
  const kept = account.tickets.get(kind);
  if (kept && now < kept.validUntil && knobs.ticketRepeat === 'same') {
    const full = Math.round((kept.toldUntil - kept.issuedAt) / 1000);
    return ticketJson(kept.value, knobs.ticketExpiresIn === 'full' ? full : Math.floor((kept.toldUntil - now) / 1000));
  }
  const ticket = issuer.issueTicket(account, kind, now, knobs, effects);
  account.counters.issue(TICKET_PATH, 'normal');
  return ticketJson(ticket.value, Math.round((ticket.toldUntil - now) / 1000));
}

const ticketJson = (ticket: string, expiresIn: number): Answer =>
  okJson(`{"errcode":0,"errmsg":"ok","ticket":"${ticket}","expires_in":${expiresIn}}`);

export const ticketEndpoints: readonly Endpoint[] = [{ path: TICKET_PATH, method: 'GET', body: 'none', access: 'token', run: getticket }];
