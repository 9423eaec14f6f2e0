// The error table against what WeChat's documentation says of each code.
import { describe, expect, test } from 'vitest';
import { FAILURE_CLASSES, type FailureClass } from '../../../src/core/failure.ts';
import { explainWechat, WECHAT_ERRORS } from '../../../src/platforms/wechat/errors.ts';

const range = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, i) => first + i);

/** Which codes make us do what. Everything else passes through. */
const CLASSES: Readonly<Record<Exclude<FailureClass, 'rejected'>, readonly number[]>> = {
  transient: [-1, -1000],
  refreshable: [40001, 40014, 42001, 42006],
  'rate-minute': [45011],
  'rate-day': [45009],
  config: [40002, 40013, 40125, 40243, 41002, 41004, 61011, 61024],
  'network-acl': [40164, 61004, 45035, 40090, 60020],
  admin: range(89501, 89507),
  account: [48004, 50001, 50002, 50004, 50007],
  'auth-lost': [42007, 43007, 61003, 61023],
  ticket: [61005, 61006, 40091, 40094],
};

const PASSED_THROUGH = [
  ...[40029, 40163, 40030, 40066, 40097, 40170, 41001, 41018, 41021, 42002, 42003, 43001, 43002, 43003, 44002, 47001, 48001, 48006],
  ...[...range(61000, 61002), 61007, 61008, 61009, 61010, ...range(61012, 61022), 61025, 61028],
  ...[...range(76001, 76004), 76021, 76022],
  ...[85009, 85019, 85044, 85064, 85065, 85085, 85086],
];

describe('the table', () => {
  test('has every documented code, once, and no other', () => {
    const codes = WECHAT_ERRORS.filter((row) => row.until === undefined).map((row) => row.code);
    expect(new Set(codes).size).toBe(codes.length);
    expect([...codes].sort()).toEqual([...Object.values(CLASSES).flat(), ...PASSED_THROUGH].sort());
  });

  test.each(WECHAT_ERRORS)('$code has a text, a class, and advice in both languages', (row) => {
    expect(row.text.length).toBeGreaterThan(4);
    expect(FAILURE_CLASSES).toHaveProperty(row.class);
    for (const advice of [row.advice, row.issuing?.advice ?? row.advice]) {
      expect(advice.en).toMatch(/^[A-Z]/);
      expect(advice.en).toMatch(/\.$/);
      expect(advice.en).not.toMatch(/[\u3000-\u9fff\uff00-\uffef]/);
      expect(advice.zh).toMatch(/[\u4e00-\u9fff]{4}/);
      expect(advice.zh).toMatch(/。$/);
      expect(advice.zh, 'full-width punctuation after Chinese').not.toMatch(/[\u4e00-\u9fff][,;:?!]/);
      expect(advice.en.includes('{ip}')).toBe(advice.zh.includes('{ip}'));
    }
  });

  test('uses every class of the closed list', () => {
    expect(new Set(WECHAT_ERRORS.map((row) => row.class))).toEqual(new Set(Object.keys(FAILURE_CLASSES)));
  });
});

describe('explainWechat', () => {
  test.each(Object.entries(CLASSES).flatMap(([name, codes]) => codes.map((code) => [code, name] as const)))('%i is %s', (code, name) => {
    expect(explainWechat(code).class).toBe(name);
  });

  test.each(PASSED_THROUGH)('%i passes through', (code) => {
    expect(explainWechat(code).class).toBe('rejected');
  });

  test('an AppSecret is wrong when 40001 answers a token request, a token is dead when it answers a call', () => {
    expect(explainWechat(40001).advice.en).toContain('no longer accepted');
    expect(explainWechat(40001, { issuing: true })).toMatchObject({ class: 'config', text: expect.stringContaining('invalid credential') });
    expect(explainWechat(40001, { issuing: true }).advice.en).toContain('AppSecret');
  });

  test('waits that the codes themselves ask for', () => {
    const minutes = (code: number) => (explainWechat(code).retryAfterMs ?? 0) / 60_000;
    expect([89501, 89502, 89503, 89504, 89505, 89506, 89507].map(minutes)).toEqual([10, 10, 5, 10, 10, 24 * 60, 60]);
    expect([45011, 40243].map(minutes)).toEqual([1, 10]);
    expect([-1, 40125, 40164, 45009].map(minutes)).toEqual([0, 0, 0, 0]);
  });

  test('names the address to put on the whitelist', () => {
    for (const code of [40164, 61004, 40090, 45035, 60020, 89503]) {
      const { advice } = explainWechat(code, { egressIp: '192.0.2.7' });
      expect(advice.en).toContain('192.0.2.7');
      expect(advice.zh).toContain('192.0.2.7');
      expect(explainWechat(code).advice.en).toContain('the egress IP of this server');
      expect(explainWechat(code).advice.zh).toContain('本服务的出口 IP');
    }
  });

  test('a family has one row, a code of its own wins, and what nobody knows is rejected with advice', () => {
    expect(explainWechat(85123).text).toBe('code management');
    expect(explainWechat(85009).text).toBe('already submit a version under auditing');
    for (const code of [1, -2, 84999, 86000, 99999, Number.MAX_SAFE_INTEGER]) {
      expect(explainWechat(code)).toMatchObject({ errcode: code, text: null, class: 'rejected' });
      expect(explainWechat(code).advice.zh).toContain('rid');
    }
  });
});
