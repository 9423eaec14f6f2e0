/** The generated page is current, and says something of every option; the warnings are raised by what they are about. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { OPTIONS } from '../../../src/config/options.ts';
import { renderReference } from '../../../src/config/reference.ts';
import { configWarnings } from '../../../src/config/warnings.ts';
import { load } from './fixtures.ts';

const PAGE = fileURLToPath(new URL('../../../../../docs/configuration.md', import.meta.url));

describe('docs/configuration.md', () => {
  it('is what the schema says', async () => {
    // A missing page would be written instead of compared.
    expect(existsSync(PAGE)).toBe(true);
    await expect(renderReference()).toMatchFileSnapshot(PAGE);
  });

  it('has every option, its variable and both languages', () => {
    const page = renderReference();
    expect(OPTIONS.length).toBeGreaterThan(20);
    for (const { name, env, doc } of OPTIONS) {
      expect(page).toContain(`| \`${name}\` | \`${env}\``);
      expect(doc.zh).toMatch(/\p{Script=Han}/u);
    }
  });

  it('offers no flag for a secret', () => {
    const secrets = OPTIONS.filter(({ doc }) => doc.secret);
    expect(secrets.map(({ name, flag }) => [name, flag])).toEqual([
      ['masterKey', null],
      ['adminKey', null],
      ['cronSecret', null],
      ['accounts', null],
      ['keys', null],
    ]);
  });
});

describe('warnings', () => {
  it.each([
    ['allowPlainHttp', { ZHONGKONG_LISTEN: '0.0.0.0:1', ZHONGKONG_ALLOW_PLAIN_HTTP: 'true' }],
    ['trustedProxies', { ZHONGKONG_TRUSTED_PROXIES: '0.0.0.0/0' }],
    ['dropin.acceptAppSecret', { ZHONGKONG_DROPIN_ACCEPT_APP_SECRET: 'true' }],
    ['store', { ZHONGKONG_STORE: 'memory:' }],
    ['upstreams.wechat', { ZHONGKONG_UPSTREAM_WECHAT: 'http://127.0.0.1:8701' }],
  ])('%s', async (option, env) => {
    expect(configWarnings(await load({ env })).map((warning) => warning.option)).toEqual([option]);
  });

  it('are silent about the defaults', async () => {
    expect(configWarnings(await load())).toEqual([]);
  });
});
