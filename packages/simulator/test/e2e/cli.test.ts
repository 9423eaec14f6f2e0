/** The program: its ready line, that it works, a clean end on Ctrl-C, exit codes. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// Compiled here, so that the test never runs yesterday's build.
const root = fileURLToPath(new URL('../../../../', import.meta.url));
let out: string;
beforeAll(() => {
  out = mkdtempSync(join(tmpdir(), 'wechat-simulator-'));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [
    tsc,
    '-p',
    join(root, 'packages/simulator'),
    '--outDir',
    out,
    '--tsBuildInfoFile',
    join(out, '.tsbuildinfo'),
  ]);
  symlinkSync(join(root, 'packages/simulator/package.json'), join(out, 'package.json')); // "type": "module"
});
afterAll(() => rmSync(out, { recursive: true }));

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

function run(...args: string[]): { child: ChildProcess; firstLine: Promise<string>; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [join(out, 'cli.js'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  const firstLine = new Promise<string>((resolve) =>
    child.stdout?.on('data', (part) => {
      stdout += part;
      if (stdout.includes('\n')) resolve(stdout.split('\n')[0] as string);
    }),
  );
  child.stderr?.on('data', (part) => {
    stderr += part;
  });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return { child, firstLine, ended };
}

describe('wechat-simulator', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('serves, repeats its tokens for a seed, ends with 0 on %s', async (signal) => {
    const values: string[] = [];
    for (let i = 0; i < 2; i++) {
      const { child, firstLine, ended } = run('--port', '0', '--seed', '42', '--auto-accounts', '--json');
      const { url, seed } = JSON.parse(await firstLine);
      expect(seed).toBe('42');
      const secret = '0123456789abcdef0123456789abcdef';
      const answer = await fetch(`${url}/cgi-bin/token?grant_type=client_credential&appid=wx0123456789abcdef&secret=${secret}`);
      values.push(((await answer.json()) as { access_token: string }).access_token);
      child.kill(signal);
      const { code, stdout, stderr } = await ended;
      expect([code, stdout.trim().split('\n').length, stderr]).toEqual([0, 1, '']);
    }
    expect(values[0]?.slice(4)).toBe(values[1]?.slice(4)); // behind the monthly prefix
  });

  it('prints a line for people, with a random seed', async () => {
    const { child, firstLine, ended } = run('--port', '0');
    expect(await firstLine).toMatch(/^WeChat simulator on http:\/\/127\.0\.0\.1:\d+ \(seed \d+\); control: http.+\/_sim\/$/);
    child.kill('SIGINT');
    expect((await ended).code).toBe(0);
  });

  it('--help explains; wrong usage is 2; a port in use is 1', async () => {
    const help = await run('--help').ended;
    expect([help.code, help.stdout.includes('--auto-accounts')]).toEqual([0, true]);
    for (const args of [['--port', '70000'], ['--port', 'x'], ['--colour'], ['extra']]) {
      const wrong = await run(...args).ended;
      expect([wrong.code, wrong.stdout, wrong.stderr.includes('--help')]).toEqual([2, '', true]);
    }
    const first = run('--port', '0', '--json');
    const { url } = JSON.parse(await first.firstLine);
    const second = await run('--port', new URL(url).port).ended;
    expect([second.code, second.stderr]).toEqual([1, expect.stringContaining('EADDRINUSE')]);
    first.child.kill('SIGINT');
    await first.ended;
  });
});
