/**
 * The layering of the code, proven on the lint that enforces it: every forbidden import is planted and must be red,
 * every allowed one must stay green. The table here is the expectation; .oxlintrc.json is the enforcement.
 */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SERVER = 'packages/server/src';

const EVERYTHING = 'everything';
const MAY_IMPORT = {
  core: [],
  platforms: ['core'],
  stores: ['core'],
  adapters: ['core'],
  access: ['core'],
  gateway: ['core', 'platforms', 'access'],
  dropin: ['core', 'platforms', 'access'],
  callbacks: ['core', 'platforms', 'access'],
  functions: ['core', 'platforms', 'access'],
  http: ['core', 'access', 'gateway', 'dropin', 'callbacks'],
  observe: ['core'],
  config: ['core'],
  hosts: EVERYTHING,
  cli: EVERYTHING,
};
const LAYERS = Object.keys(MAY_IMPORT);
/** Layers that also run on hosts without Node. */
const NODELESS = ['core', 'platforms', 'access', 'gateway', 'dropin', 'callbacks', 'http'];
const PURE = ['core', 'platforms'];
/** A driver or framework, and the layers that may know it (hosts and cli may know all). */
const OWNERS = {
  kysely: ['stores'],
  libsql: ['stores'],
  undici: ['adapters'],
  commander: [],
  pino: ['observe'],
  'prom-client': ['observe'],
  yaml: ['config'],
  '@hono/node-server': [],
  '@zhongkong/simulator': [],
};

/** An import inside a type: not in use anywhere, so that lint need not look there. */
const typeQuery = (from) => `export let y: import('${from}').X;\n`;
/** Each way to write an import; all of them must be caught. */
const FORMS = [
  (from) => `import { x } from '${from}';\nexport const y = x;\n`,
  (from) => `import type { X } from '${from}';\nexport type Y = X;\n`,
  (from) => `export * from '${from}';\n`,
  (from) => `export const load = () => import('${from}');\n`,
];

/** @type {{ file: string, text: string, red: boolean, what: string }[]} */
const probes = [];

function plant(folder, text, red, what) {
  // Two levels deep as well, since the rules count `../`.
  const depth = folder.split('/').length;
  probes.push({ file: `${folder}/probe-${probes.length}.ts`, text, red, what: `${what} (depth ${depth})` });
}

/** Plants `from` in every form at a layer's top and one folder below; `up` climbs to the layer's parent. */
function plantImport(layerFolder, from, red, what) {
  for (const form of red ? [...FORMS, typeQuery] : FORMS) {
    plant(layerFolder, form(from('../')), red, what);
    plant(`${layerFolder}/sub`, form(from('../../')), red, what);
  }
}

for (const layer of LAYERS) {
  const may = MAY_IMPORT[layer];
  const here = `${SERVER}/${layer}`;
  for (const other of LAYERS.filter((name) => name !== layer)) {
    plantImport(here, (up) => `${up}${other}/thing.ts`, may !== EVERYTHING && !may.includes(other), `${layer} → ${other}`);
  }
  plantImport(here, (up) => `${up}../../client/src/index.ts`, true, `${layer} → the client's sources`);
  plantImport(here, (up) => `${up}../../simulator/src/index.ts`, true, `${layer} → the simulator's sources`);
  plantImport(here, () => 'zhongkong', true, `${layer} → its own package by name`);
  plantImport(here, () => '@zhongkong/client', true, `${layer} → the client package`);
  if (may === EVERYTHING) {
    plantImport(here, () => '@zhongkong/simulator', false, `${layer} → the simulator package`);
    continue;
  }
  plantImport(here, (up) => `${up}index.ts`, true, `${layer} → the package's entry`);
  for (const [name, owners] of Object.entries(OWNERS)) plantImport(here, () => name, !owners.includes(layer), `${layer} → ${name}`);
  for (const name of ['node:fs', 'node:crypto', 'fs', 'fs/promises']) {
    plantImport(here, () => name, NODELESS.includes(layer), `${layer} → ${name}`);
  }
  if (PURE.includes(layer)) for (const name of ['zod', 'hono', 'lru-cache']) plantImport(here, () => name, true, `${layer} → ${name}`);
}

for (const [folder, forbidden] of Object.entries({
  'packages/client/src': ['zhongkong', '@zhongkong/simulator', 'node:fs', 'zod', '../../server/src/core/errors.ts'],
  'packages/simulator/src': ['zhongkong', '@zhongkong/client', '../../server/src/core/errors.ts', '../../client/src/index.ts'],
})) {
  for (const name of forbidden) for (const form of FORMS) plant(folder, form(name), true, `${folder} → ${name}`);
}

const BANNED_IN_CORE = [
  'Date.now()',
  'new Date()',
  'performance.now()',
  'setTimeout(() => {}, 1)',
  'setInterval(() => {}, 1)',
  'setImmediate(() => {})',
  'Math.random()',
  'fetch("https://example.com")',
  'crypto.randomUUID()',
  'process.exit()',
  'process.env["X"]',
  'Buffer.from("x")',
  'globalThis.fetch',
  'console.log(1)',
  'require("fs")',
];
for (const expression of BANNED_IN_CORE) {
  plant(`${SERVER}/core`, `export const y = ${expression};\n`, true, `core: ${expression}`);
  if (!expression.startsWith('console') && !expression.startsWith('require')) {
    plant(`${SERVER}/hosts`, `export const y = ${expression};\n`, false, `hosts: ${expression}`);
  }
}

/** A cycle of two files: each is the other's probe. */
const CYCLE = ['cycle-a', 'cycle-b'].map((name, index) => ({
  file: `${SERVER}/core/${name}.ts`,
  text: `import { x as other } from './${['cycle-b', 'cycle-a'][index]}.ts';\nexport const x: number = other;\n`,
  red: true,
  what: `core: ${name} in a cycle`,
}));
probes.push(...CYCLE);

describe('layering', () => {
  let folder = '';
  /** @type {Set<string>} */
  let red = new Set();
  let inspected = 0;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'zhongkong-layering-'));
    cpSync(join(ROOT, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
    for (const { file, text } of probes) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    // Type-aware rules need installed types; layering is about the text of the import alone.
    const config = JSON.parse(readFileSync(join(folder, '.oxlintrc.json'), 'utf8'));
    writeFileSync(join(folder, '.oxlintrc.json'), JSON.stringify({ ...config, $schema: undefined, options: {} }));
    const run = spawnSync(process.execPath, [join(ROOT, 'node_modules/oxlint/bin/oxlint'), '--format=json', 'packages'], {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    const result = JSON.parse(run.stdout);
    inspected = result.number_of_files;
    red = new Set(result.diagnostics.map((diagnostic) => diagnostic.filename.replaceAll('\\', '/')));
  }, 60_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('looked at every planted file', () => {
    expect(probes.length).toBeGreaterThan(1000);
    expect(inspected).toBe(probes.length);
  });

  it('is red for every forbidden import, in every form and at every depth', () => {
    expect(probes.filter((probe) => probe.red && !red.has(probe.file)).map((probe) => `${probe.what}: ${probe.text}`)).toEqual([]);
  });

  it('is green for every allowed import', () => {
    expect(probes.filter((probe) => !probe.red && red.has(probe.file)).map((probe) => `${probe.what}: ${probe.text}`)).toEqual([]);
  });

  it('knows every layer that exists', () => {
    const folders = readdirSync(join(ROOT, SERVER), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map((entry) => entry.name).filter((name) => !LAYERS.includes(name))).toEqual([]);
    expect(readdirSync(join(ROOT, 'packages')).toSorted()).toEqual(['client', 'server', 'simulator']);
  });
});
