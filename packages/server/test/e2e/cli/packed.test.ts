/**
 * What is published works away from this repository: packed as npm packs it, unpacked into a folder of its own, with
 * nothing to import but what its manifest declares.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { folder, start } from './rig.ts';

const ROOT = fileURLToPath(new URL('../../../../../', import.meta.url));

interface Manifest {
  readonly name: string;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** Packs a workspace into `modules`, as if it had been installed there; its dependencies are those of this repository. */
function install(workspace: string, modules: string): Manifest {
  const into = dirname(modules);
  // The build is there already: `npm test` made it.
  const args = ['pack', '--ignore-scripts', '--json', '--workspace', `packages/${workspace}`, '--pack-destination', into];
  execFileSync('npm', args, { cwd: ROOT, stdio: 'ignore', shell: process.platform === 'win32' });
  const source = JSON.parse(readFileSync(join(ROOT, 'packages', workspace, 'package.json'), 'utf8')) as Manifest & { version: string };
  const place = join(modules, source.name);
  mkdirSync(place, { recursive: true });
  const tarball = join(into, `${source.name.replace(/^@/, '').replace('/', '-')}-${source.version}.tgz`);
  execFileSync('tar', ['xzf', tarball, '-C', place, '--strip-components', '1']);
  const manifest = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8')) as Manifest;
  for (const name of Object.keys(manifest.dependencies ?? {})) {
    const link = join(modules, name);
    if (name.startsWith('@zhongkong/') || existsSync(link)) continue;
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), link, 'junction');
  }
  return manifest;
}

test('the packages run from what npm packs of them', { timeout: 120_000 }, async () => {
  const cwd = folder();
  const modules = join(cwd, 'node_modules');
  for (const workspace of ['simulator', 'client']) install(workspace, modules);
  const { bin } = install('server', modules);
  const main = join(modules, 'zhongkong', bin?.zhongkong ?? '');

  const files = readdirSync(join(modules, 'zhongkong'), { recursive: true, encoding: 'utf8' });
  expect(files.filter((path) => /\.map$|tsbuildinfo|^src/.test(path))).toEqual([]);
  expect(files.some((path) => path.endsWith('.d.ts'))).toBe(true);

  const server = start(['demo', '--json', '--port', '0', '--simulator-port', '0'], { cwd, main });
  const [line] = await server.until('out', /^\{.*\}$/m);
  const { server: url, accounts, keys } = JSON.parse(line);
  const read = `
    import { createClient } from '@zhongkong/client';
    import { openEngine } from 'zhongkong';
    const token = await createClient({ url: '${url}', key: '${keys.reader}' }).token('${accounts[0].id}');
    console.log(typeof openEngine, typeof token);`;
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', read], { cwd, encoding: 'utf8' });
  expect(said.trim()).toBe('function string');
  server.child.kill('SIGTERM');
  expect((await server.ended).code).toBe(0);
});
