/**
 * Files that the pages show are shown as they are: a block whose opening line names a file (```yaml deploy/…) holds that
 * file to the letter, and every file below `deploy/` stands in both languages of the page about it.
 *
 * `npm run quote` writes the blocks anew.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const BLOCK = /^(```\S+ (deploy\/\S+)\n)([\s\S]*?)^```$/gm;
const PAGES = ['docs/deployment.md', 'docs/deployment.zh-CN.md'];

/** The page with each block as its file is. @param {string} page @param {(path: string) => string} read @returns {string} */
export function quoteFiles(page, read) {
  return page.replace(BLOCK, (_, opening, path) => `${opening}${read(path)}\`\`\``);
}

/**
 * What is wrong with the pages about `files`.
 * @param {readonly string[]} files below deploy/
 * @param {Readonly<Record<string, string>>} pages text by path
 * @param {(path: string) => string} read
 * @returns {string[]}
 */
export function quoteProblems(files, pages, read) {
  if (files.length === 0) return ['deploy/ has no files to look at'];
  return Object.entries(pages).flatMap(([page, text]) => {
    const blocks = [...text.matchAll(BLOCK)];
    const strange = blocks.map(([, , path]) => path).filter((path) => !files.includes(path));
    if (strange.length > 0) return strange.map((path) => `${page}: shows ${path}, which is not there (quoted file)`);
    const missing = files.filter((file) => !blocks.some(([, , path]) => path === file));
    const stale = blocks.filter(([, , path, content]) => content !== read(path));
    return [
      ...missing.map((path) => `${page}: does not show ${path} (quoted file)`),
      ...stale.map(([, , path]) => `${page}: ${path} differs from the file; run "npm run quote" (quoted file)`),
    ];
  });
}

/** @param {string} root @param {readonly string[]} files the project's own @returns {string[]} */
export function checkQuotes(root, files) {
  const read = (path) => readFileSync(join(root, path), 'utf8');
  const shown = files.filter((path) => path.startsWith('deploy/'));
  return quoteProblems(shown, Object.fromEntries(PAGES.map((page) => [page, read(page)])), read);
}
