/** Each text rule and each lock-file rule is fed something that breaks it, and something that does not. */

import { describe, expect, it } from 'vitest';
import { brokenLinks, checkLinks } from '../check/links.mjs';
import { lockProblems } from '../check/lock-file.mjs';
import { quoteFiles, quoteProblems } from '../check/quoted-files.mjs';
import { checkText, problemsOf, RULES } from '../check/text-rules.mjs';

const HEADER = '// What it is for.\n';
const long = (lines) => `${HEADER}${'x;\n'.repeat(lines)}`;
// Put together here, so that this file passes the rules it tests.
const slash = '/';
const BAD = {
  length: ['packages/server/src/a.ts', long(400)],
  header: ['packages/server/src/a.ts', 'export const x = 1;\n'],
  'machine path': ['docs/a.md', `see ${slash}root/project\n`],
  'outside path': ['docs/a.md', `see ..${slash}shared${slash}design.md\n`],
  'registry host': ['README.md', `https:${slash}${slash}registry.example.com${slash}x\n`],
  'conflict marker': ['README.md', `${'<'.repeat(7)} HEAD\n`],
  'Windows line end': ['README.md', 'a\r\n'],
  'half-width punctuation': ['docs/a.zh-CN.md', '# 配置\n\n见下文:\n'],
  'focused or skipped test': ['packages/a/test/unit/a.test.ts', `${HEADER}it.${'only'}('x', f);\n`],
};
const GOOD = [
  ['packages/server/src/a.ts', long(390)],
  ['packages/server/src/a.ts', `// A table. Length: one row per errcode.\n${'x;\n'.repeat(900)}`],
  ['packages/server/src/cli/main.ts', `#!/usr/bin/env node\n${HEADER}`],
  ['docs/a.md', 'https://example.com/work/root/ and var/root/\n'],
  ['docs/a.zh-CN.md', '[用法](b.md)：`f(甲, 乙)`，见 a、b:\n\n```sh\ncurl # 不检查,这里\n```\n'],
  ['docs/a.md', 'It is a central control server (中控服务器): one.\n'],
];

describe('text rules', () => {
  it.each(RULES.map((rule) => rule.name))('%s finds what breaks it', (name) => {
    expect(problemsOf(...BAD[name])).toEqual([expect.stringContaining(`(${name})`)]);
  });

  it.each([
    ['packages/server/src/a.ts', "say({ zh: '错误(已停用)' })"],
    ['packages/server/src/a.ts', "say({ zh: '请用 “doctor” , 再试' })"],
    ['scripts/a.mjs', "'完成, 请重试'"],
    ['packages/client/README.md', '见 API: 说明'],
    ['docs/configuration.md', '默认?'],
  ])('half-width punctuation beside Chinese: %s %s', (path, text) => {
    expect(problemsOf(path, `${HEADER}${text}\n`)).toEqual([expect.stringContaining('line 2')]);
  });

  it('lets good files pass', () => {
    expect(GOOD.flatMap(([path, text]) => problemsOf(path, text))).toEqual([]);
  });

  it('fails when there is nothing to look at', () => {
    expect(checkText('.', [])).toHaveLength(1);
  });
});

describe('lock file rules', () => {
  const native = { version: '1.0.0', optionalDependencies: { 'native-linux-x64': '1.0.0', 'native-darwin-arm64': '1.0.0' } };
  const complete = { 'node_modules/native': native, 'node_modules/native-linux-x64': {}, 'node_modules/native-darwin-arm64': {} };

  it('accepts a complete one, workspace links included', () => {
    expect(lockProblems({ ...complete, 'node_modules/ours': { resolved: 'packages/ours', link: true } })).toEqual([]);
  });

  it('finds a download address', () => {
    expect(lockProblems({ 'node_modules/a': { resolved: 'https://example.com/a.tgz' } })).toEqual([
      expect.stringContaining('download address'),
    ]);
  });

  it("finds another system's missing binary", () => {
    expect(lockProblems({ 'node_modules/native': native, 'node_modules/native-linux-x64': {} })).toEqual([
      expect.stringContaining('native-darwin-arm64'),
    ]);
  });

  it('fails when it lists nothing', () => {
    expect(lockProblems({ '': {} })).toHaveLength(1);
  });
});

describe('links between pages', () => {
  const exists = (path) => path === 'docs/there.md' || path === 'LICENSE';

  it('lets good links and addresses pass', () => {
    const page = '[a](there.md#part) [b](../LICENSE) [c](https://example.com/x) [d](#here)';
    expect(brokenLinks('docs/page.md', page, exists)).toEqual([]);
  });

  it('finds a link that leads nowhere', () => {
    expect(brokenLinks('docs/page.md', '[a](gone.md)', exists)).toEqual([expect.stringContaining('gone.md')]);
  });

  it('fails when there is nothing to look at', () => {
    expect(checkLinks('.', [])).toHaveLength(1);
  });
});

describe('files that pages show', () => {
  const FILES = { 'deploy/a.yaml': 'a: 1\n', 'deploy/b.conf': '# b $& $1\n' };
  const read = (path) => FILES[path];
  const block = (path, text) => `\`\`\`yaml ${path}\n${text}\`\`\`\n`;
  const page = `# A page\n\n${block('deploy/a.yaml', 'a: 1\n')}\ntext\n\n${block('deploy/b.conf', '# b $& $1\n')}`;
  const problems = (text) => quoteProblems(Object.keys(FILES), { 'docs/p.md': text }, read);

  it('pass when every one of them stands there to the letter', () => {
    expect(problems(page)).toEqual([]);
  });

  it.each([
    ['one that differs', page.replace('a: 1', 'a: 2'), 'deploy/a.yaml differs'],
    ['one that lacks its last line', page.replace('a: 1\n', ''), 'deploy/a.yaml differs'],
    ['one that is left out', page.replace(block('deploy/b.conf', '# b $& $1\n'), ''), 'does not show deploy/b.conf'],
    ['one that is no file', page + block('deploy/c.yaml', ''), 'deploy/c.yaml, which is not there'],
  ])('finds %s', (_, text, problem) => {
    expect(problems(text)).toEqual([expect.stringContaining(problem)]);
  });

  it('are written into the page as they are', () => {
    expect(quoteFiles(page.replace('a: 1', 'old\nold').replace('# b $& $1', ''), read)).toBe(page);
  });

  it('fail when there are none', () => {
    expect(quoteProblems([], { 'docs/p.md': page }, read)).toHaveLength(1);
  });
});
