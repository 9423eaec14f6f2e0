/**
 * What WeChat's identifiers look like, and how the simulator makes ones of that shape.
 * Invariant: a made value is a function of (seed, account, chain, number) and nothing else.
 */
import { base64urlText, createRandom, hexText } from './random.ts';

export const APPID = /^wx[0-9a-f]{16}$/;
/** Three groups of eight lower-case hex digits; the first is the Unix second. */
export const RID = /^[0-9a-f]{8}-[0-7][0-9a-f]{7}-[0-7][0-9a-f]{7}$/;
/** Length of a jsapi or wx_card ticket. */
export const TICKET_LENGTH = 86;

/** The number in front of a token has grown by about one a month since 36 in August 2020. */
export function tokenPrefixAt(now: number): number {
  const date = new Date(now);
  return Math.max(1, 36 + (date.getUTCFullYear() - 2020) * 12 + date.getUTCMonth() - 7);
}

/** `NN_` + [A-Za-z0-9_-], `length` characters in all. */
export function makeToken(stream: string, prefix: number, length: number): string {
  const head = `${prefix}_`;
  return base64urlText(createRandom(stream), length - head.length, head);
}

export const makeTicket = (stream: string): string => base64urlText(createRandom(stream), TICKET_LENGTH);
export const makeSecret = (stream: string): string => hexText(createRandom(stream), 32);
/** An OpenID: 28 characters beginning with `o`. */
export const makeOpenid = (stream: string): string => `o${base64urlText(createRandom(stream), 27)}`;
export const makeMediaId = (stream: string): string => base64urlText(createRandom(stream), 64);
