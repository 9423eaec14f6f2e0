/**
 * The last line of defence against secrets in the log: every finished line passes through here.
 *
 * The parts of the server never hand a secret to a log in the first place; this catches what others put into their
 * error texts (a driver that quotes its parameters, an HTTP client that quotes a URL). What is cut off is replaced by
 * `[redacted]`; nothing else of the line changes.
 */

export const CENSORED = '[redacted]';

/** Field names whose values are never printed, wherever in an object they stand up to three levels deep. */
const SECRET_FIELDS = [
  'secret',
  'secrets',
  'appSecret',
  'app_secret',
  'corpsecret',
  'key',
  'adminKey',
  'masterKey',
  'value',
  'token',
  'access_token',
  'refresh_token',
  'ticket',
  'digest',
  'password',
  'authorization',
  'Authorization',
  'cookie',
  'set-cookie',
  'sealedSecrets',
] as const;

export const REDACTED_PATHS: readonly string[] = ['', '*.', '*.*.'].flatMap((depth) =>
  SECRET_FIELDS.map((field) => (field.includes('-') ? `${depth.replace(/\.$/, '')}["${field}"]` : `${depth}${field}`)),
);

const PATTERNS: readonly RegExp[] = [
  // Our API keys, whole or cut short by a typo.
  /\bzk_[A-Za-z0-9]{8,}/g,
  // Secrets in URLs and forms. The name stays, to tell what it was.
  /(?<=\b(?:access_token|refresh_token|component_access_token|secret|appsecret|corpsecret|suite_secret|provider_secret|ticket|jsapi_ticket|js_code|code|password)(?:=|%3D))[^&\s"'\\]+/gi,
  // The same in JSON, plain or quoted once more inside a string.
  /(?<=\b(?:access_token|refresh_token|component_access_token|secret|appsecret|corpsecret|password|authorization)\\?":\s?\\?")[^"\\]+/gi,
  /(?<=\bBearer\s)[A-Za-z0-9._~+/=-]+/gi,
  // User and password of a connection string.
  /(?<=:\/\/)[^/\s:@"]+:[^/\s@"]+(?=@)/g,
  // A master key: base64 of 32 bytes.
  /(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=/g,
  // An AppSecret: 32 hex.
  /(?<![A-Za-z0-9])[0-9a-f]{32}(?![A-Za-z0-9])/g,
  // WeChat's tokens and tickets, sealed texts and digests: no name or id of ours is this long without a dot or colon.
  /(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{64,}/g,
];

/** `text` with everything that looks like a secret cut out. */
export function scrub(text: string): string {
  let scrubbed = text;
  for (const pattern of PATTERNS) scrubbed = scrubbed.replace(pattern, CENSORED);
  return scrubbed;
}
