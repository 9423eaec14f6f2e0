/**
 * Reads a token request the way WeChat does, and checks its form in WeChat's order:
 * method → body → appid → grant_type → secret.
 *
 * Bodies are read as what they are, whatever the Content-Type says: SDKs send JSON as anything. A parameter that
 * comes twice is no value at all.
 */

import { readBoundedBody } from './bounded-body.ts';
import { FORM_ERRORS, type FormError, type WechatError } from './errors.ts';

export interface TokenForm {
  readonly appid: string;
  readonly secret: string;
  readonly forceRefresh: boolean;
}

/** A form that WeChat would refuse. */
export class FormRefused extends Error {
  override readonly name = 'FormRefused';
  readonly error: WechatError;

  constructor(which: FormError) {
    super(which);
    this.error = FORM_ERRORS[which];
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** `/cgi-bin/token`: in the query; by POST also in the body, as a form or as JSON. */
export async function classicForm(request: Request, url: URL): Promise<TokenForm> {
  const isGet = request.method === 'GET' || request.method === 'HEAD';
  if (!isGet && request.method !== 'POST') throw new FormRefused('require_get');
  const inQuery = parameters(url.searchParams);
  if (isGet) return checked(inQuery);
  const text = await readBoundedBody(request);
  const inBody = /^\s*\{/.test(text) ? json(text) : parameters(new URLSearchParams(text));
  return checked({ ...inBody, ...inQuery });
}

/** `/cgi-bin/stable_token`: POST, JSON. */
export async function stableForm(request: Request): Promise<TokenForm> {
  if (request.method !== 'POST') throw new FormRefused('require_post');
  const text = await readBoundedBody(request);
  if (text.trim() === '') throw new FormRefused('empty_body');
  return checked(json(text));
}

function json(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FormRefused('bad_json');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new FormRefused('bad_json');
  return value as Fields;
}

/** A parameter that comes twice becomes an array, which no check below takes for a text. */
function parameters(query: URLSearchParams): Fields {
  const names = [...new Set(query.keys())];
  return Object.fromEntries(
    names.map((name) => {
      const values = query.getAll(name);
      return [name, values.length === 1 ? values[0] : values];
    }),
  );
}

function checked(fields: Fields): TokenForm {
  const { appid, grant_type: grantType, secret, force_refresh: force } = fields;
  if (isMissing(appid)) throw new FormRefused('appid_missing');
  if (grantType !== 'client_credential') throw new FormRefused('bad_grant_type');
  if (isMissing(secret)) throw new FormRefused('secret_missing');
  return {
    appid: typeof appid === 'string' ? appid : '',
    secret: typeof secret === 'string' ? secret : '',
    forceRefresh: force === true,
  };
}

const isMissing = (value: unknown): boolean => value === undefined || value === null || value === '';
