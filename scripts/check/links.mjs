/**
 * Links between our own pages: a relative link in a Markdown file must lead to a file that is there.
 */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const LINK = /\]\(([^)\s]+)\)/g;

/** @param {string} path of the page @param {string} text @param {(path: string) => boolean} exists @returns {string[]} */
export function brokenLinks(path, text, exists) {
  return [...text.matchAll(LINK)]
    .map((match) => match[1])
    .filter((target) => !/^([a-z]+:|#)/i.test(target))
    .filter((target) => !exists(normalize(join(dirname(path), target.replace(/[#?].*$/, '')))))
    .map((target) => `${path}: nothing at ${target} (link)`);
}

/** @param {string} root @param {readonly string[]} files @returns {string[]} */
export function checkLinks(root, files) {
  const pages = files.filter((path) => path.endsWith('.md'));
  if (pages.length === 0) return ['no pages to look at'];
  return pages.flatMap((path) => brokenLinks(path, readFileSync(join(root, path), 'utf8'), (target) => existsSync(join(root, target))));
}
