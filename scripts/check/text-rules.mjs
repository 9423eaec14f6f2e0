/**
 * Rules about the text of files that no linter has: length, header, nothing of one machine or registry, no secrets by habit.
 *
 * A rule is data (which files, what is wrong with a file); the unit tests feed each rule a file that breaks it.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const MAX_LINES = 400;
/** In the opening comment of a file over MAX_LINES: "Length: why this is one idea". */
const LENGTH_REASON = /\bLength:/;
const HEADER_LINES = 12;
const BINARY = /\.(png|jpg|ico|woff2?|zip|gz|db)$/;
const CODE = /\.(ts|tsx|mjs)$/;

const opening = (text) => text.split('\n').slice(0, HEADER_LINES).join('\n');

/** Reports the first line that matches. */
const line = (pattern, why) => (text) => {
  const found = text.split('\n').findIndex((candidate) => pattern.test(candidate));
  return found === -1 ? null : `line ${found + 1}: ${why}`;
};

/** A page or the words of the product in Chinese; some pages have both languages. */
const CHINESE = /\.zh-CN\.md$|^docs\/configuration\.md$|^packages\/client\/README\.md$|^packages\/[^/]+\/src\/|^scripts\/(?!test\/)/;
/** Beside a Chinese character or quote, also with a space between. */
const HALF_WIDTH = /[\u4e00-\u9fff\u201d\uff09] ?[,;:!?()]|[,;:!?()] ?[\u4e00-\u9fff\u201c\uff08]/;

/** Blanks out what is quoted as it is: code blocks, inline code and where links lead. Line numbers stay. */
const withoutCode = (markdown) =>
  markdown
    .replace(/^```.*?^```/gms, (block) => block.replace(/.+/g, ''))
    .replace(/`[^`\n]+`/g, '`')
    .replace(/\]\([^)\s]+\)/g, ']');

export const RULES = [
  {
    name: 'length',
    applies: (path) => CODE.test(path),
    problem: (text) => {
      const lines = text.split('\n').length - 1;
      if (lines <= MAX_LINES || LENGTH_REASON.test(opening(text))) return null;
      return `${lines} lines: split it, or give the reason in its opening comment ("Length: …")`;
    },
  },
  {
    name: 'header',
    applies: (path) => CODE.test(path) && (/\/src\//.test(path) || path.startsWith('scripts/')),
    problem: (text) => (/^(#!.*\n)?\s*(\/\*\*|\/\/)/.test(text) ? null : 'open with a comment: what it is for, what must hold'),
  },
  {
    name: 'machine path',
    applies: () => true,
    // A slash before the folder's name that nothing but a delimiter precedes, so that URLs are left alone.
    problem: line(/(^|[\s"'`(=:,])\/(root|work|home\/\w+|Users\/\w+)\//, 'a path of one machine'),
  },
  {
    name: 'outside path',
    applies: () => true,
    problem: line(/(\.\.\/)+shared\//, 'a path outside the project'),
  },
  {
    name: 'registry host',
    applies: () => true,
    problem: line(
      /\/\/[\w.-]*(registry|mirror|verdaccio|artifactory|nexus)[\w-]*\.[\w.-]+/,
      "an address of a package registry; npm's own configuration decides",
    ),
  },
  {
    name: 'conflict marker',
    applies: () => true,
    problem: line(/^(<{7}|>{7}) /, 'a merge conflict'),
  },
  {
    name: 'Windows line end',
    applies: () => true,
    problem: line(/\r$/, 'CRLF; the project uses LF'),
  },
  {
    name: 'half-width punctuation',
    applies: (path) => CHINESE.test(path) && (CODE.test(path) || path.endsWith('.md')),
    problem: (text, path) =>
      line(HALF_WIDTH, 'half-width punctuation beside Chinese; use ，；：！？（）')(path.endsWith('.md') ? withoutCode(text) : text),
  },
  {
    name: 'focused or skipped test',
    applies: (path) => /\.test\.(ts|mjs)$/.test(path),
    problem: line(
      /\b(it|test|describe)\.(only|skip|todo|fails)\(/,
      'only, skip, todo and fails stay out; a part that needs a tool is listed in scripts/test/requirements.mjs',
    ),
  },
];

/** @param {string} path @param {string} text @returns {string[]} */
export function problemsOf(path, text) {
  return RULES.filter((rule) => rule.applies(path)).flatMap((rule) => {
    const problem = rule.problem(text, path);
    return problem === null ? [] : [`${path}: ${problem} (${rule.name})`];
  });
}

/** @param {string} root @param {readonly string[]} files @returns {string[]} */
export function checkText(root, files) {
  const texts = files.filter((path) => !BINARY.test(path));
  if (texts.length === 0) return ['no files to look at'];
  return texts.flatMap((path) => problemsOf(path, readFileSync(join(root, path), 'utf8')));
}
