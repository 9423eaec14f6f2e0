/** getticket: life, repetition, types, and that it needs a good access_token. */
import { describe, expect, it } from 'vitest';
import { APPID, createBench, HOUR } from '../bench.ts';

function withTicket(knobs = {}) {
  const bench = createBench({ knobs });
  const access_token = bench.classic().json.access_token as string;
  const ticket = (type = 'jsapi', token = access_token) =>
    bench.ask('GET', '/cgi-bin/ticket/getticket', { query: { access_token: token, type } }).json;
  return { ...bench, access_token, ticket };
}

describe('getticket', () => {
  it('gives an 86-character ticket for 7200 s, one line per type', () => {
    const { ticket } = withTicket();
    const [js, card, sdk] = [ticket(), ticket('wx_card'), ticket('2')];
    for (const one of [js, card, sdk]) expect(one).toMatchObject({ errcode: 0, errmsg: 'ok', expires_in: 7200 });
    expect(new Set([js.ticket, card.ticket, sdk.ticket]).size).toBe(3);
    expect(js.ticket).toMatch(/^[\w-]{86}$/);
  });

  it('repeats the running ticket and says 7200 (field report), or what remains, by knob', () => {
    const { ticket, advance, control, stable } = withTicket();
    const first = ticket().ticket;
    advance(HOUR + 500);
    expect(ticket()).toMatchObject({ ticket: first, expires_in: 7200 });
    control.setKnobs({ ticketExpiresIn: 'remaining' });
    expect(ticket()).toMatchObject({ ticket: first, expires_in: 3599 });
    advance(HOUR);
    expect(control.token(first).state).toBe('dead');
    expect(ticket('jsapi', stable().json.access_token).ticket).not.toBe(first);
  });

  it('gives a new ticket each time by knob', () => {
    const { ticket, control } = withTicket({ ticketRepeat: 'new' });
    const [a, b] = [ticket().ticket, ticket().ticket];
    expect(a).not.toBe(b);
    expect(control.account(APPID).counters.issues['/cgi-bin/ticket/getticket']).toEqual({ normal: 2, forced: 0, rogue: 0 });
  });

  it('refuses bad tokens with the token codes, and a ticket is no access_token', () => {
    const { ticket, use } = withTicket();
    expect(ticket('jsapi', 'forged').errcode).toBe(40001);
    expect(use(ticket().ticket)).toBe(40001);
  });

  it('refuses an unknown type with the errcode of its knob', () => {
    expect(withTicket().ticket('nonsense').errcode).toBe(40097);
    expect(withTicket({ badTicketTypeCode: 40999 }).ticket('toString').errcode).toBe(40999);
  });

  it('survives the rotation of the access_token that fetched it', () => {
    const { ticket, classic, control } = withTicket();
    const first = ticket().ticket;
    classic();
    classic();
    expect(control.token(first).state).toBe('alive');
  });
});
