/** `npm run quote`: writes the files that the pages show into them, as they are now. */

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { projectFiles } from './check/project-files.mjs';
import { quoteFiles } from './check/quoted-files.mjs';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const read = (path) => readFileSync(join(ROOT, path), 'utf8');

for (const page of projectFiles(ROOT).filter((path) => path.endsWith('.md'))) {
  const before = read(page);
  const after = quoteFiles(before, read);
  if (after === before) continue;
  writeFileSync(join(ROOT, page), after);
  console.log(`wrote ${page}`);
}
