/** What is published: every package brings its own text, the licence, and the files that it says it has. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PACKAGES = readdirSync(join(ROOT, 'packages'));
const read = (...path) => readFileSync(join(ROOT, ...path), 'utf8');

it('finds the packages', () => {
  expect(PACKAGES).toEqual(expect.arrayContaining(['client', 'server', 'simulator']));
});

describe.each(PACKAGES)('%s', (name) => {
  const { files, scripts, bin, private: isPrivate } = JSON.parse(read('packages', name, 'package.json'));

  it('lists the build, a README and the licence, and has them', () => {
    if (isPrivate) return;
    // Maps lead to sources that are not in the package.
    const commands = bin ? ['bin'] : [];
    expect(files).toEqual([...commands, 'dist', '!dist/**/*.map', '!dist/.tsbuildinfo', 'README.md', 'LICENSE']);
    // A command is there before the build: npm links only what it finds when it installs.
    for (const file of Object.values(bin ?? {})) expect(existsSync(join(ROOT, 'packages', name, file))).toBe(true);
    for (const file of Object.values(bin ?? {})) expect(file).toMatch(/^\.\/bin\//);
    // The build is there after a build; packing makes one.
    expect(scripts).toEqual({ prepack: 'tsc -b' });
    expect(['README.md', 'LICENSE'].filter((file) => !existsSync(join(ROOT, 'packages', name, file)))).toEqual([]);
  });

  it('has the licence of the project, to the letter', () => {
    if (!isPrivate) expect(read('packages', name, 'LICENSE')).toBe(read('LICENSE'));
  });
});

it('builds without devDependencies, as `npm start` and the container image do', () => {
  const { devDependencies } = JSON.parse(read('package.json'));
  expect(Object.keys(devDependencies).filter((name) => name.startsWith('@types/') || name === 'typescript')).toEqual([]);
});
