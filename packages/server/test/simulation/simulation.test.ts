/**
 * The simulation in its short form, that a seed replays exactly, and that it finds what it is there to find: each
 * mutation breaks one rule of the product and must be caught within 200 seeds.
 */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const MAIN = 'packages/server/simulation/dist/simulation/main.js';

interface Run {
  readonly code: number | null;
  readonly output: string;
  readonly complaint: string;
}

function run(...args: readonly string[]): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let complaint = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output, complaint }));
  });
}

const simulate = (...args: readonly string[]): Promise<Run> => run(MAIN, ...args);

beforeAll(async () => {
  const built = await run('node_modules/typescript/bin/tsc', '-p', 'packages/server/simulation');
  expect(built).toMatchObject({ code: 0, output: '' });
});

test('200 seeds keep every promise', async () => {
  const { code, output } = await simulate('--seeds', '200', '--hours', '4');
  expect(output).toMatch(/^violations: 0$/m);
  expect(output).toMatch(/^simulation: 200 seeds from 1 to 200, 800 node-hours/);
  expect(code).toBe(0);
});

test('a seed replays exactly, traced or not, alone or among others; another seed is another run', async () => {
  const digest = async (...args: readonly string[]): Promise<string | undefined> =>
    /digest ([0-9a-f]{8})/.exec((await simulate('--hours', '6', ...args)).output)?.[1];
  const [first, again, traced, alone, other] = await Promise.all([
    digest('--seeds', '3', '--from', '5', '--workers', '1'),
    digest('--seeds', '3', '--from', '5', '--workers', '3'),
    digest('--seed', '6', '--trace'),
    digest('--seed', '6'),
    digest('--seed', '7'),
  ]);
  expect(first).toBeDefined();
  expect(again).toBe(first);
  expect(traced).toBe(alone);
  expect(other).not.toBe(alone);
});

test('two traces of one seed are the same text', async () => {
  const [one, two] = await Promise.all([1, 2].map(() => simulate('--seed', '3', '--hours', '3', '--trace')));
  const withoutSpeed = (run: Run | undefined): string | undefined => run?.output.replace(/^took .*$/m, '');
  expect(one?.output.split('\n').length).toBeGreaterThan(200);
  expect(withoutSpeed(two)).toBe(withoutSpeed(one));
});

describe('is caught', () => {
  test.each([
    ['no-fence', 'one writer: wrote under an old lease|nothing lost'],
    ['no-condition', 'one writer: wrote under an old lease|nothing lost'],
    ['no-re-read', 'nothing lost|honest lifetime|one writer'],
    ['no-intent', 'honest lifetime|no gap'],
    ['no-last-look', 'one writer: sent under a lease that outlasts the call'],
    ['no-compare', 'report: a superseded value was not compared'],
    ['no-takeover', 'one writer: serves what a later issue invalidated'],
  ])('%s', async (mutation, rules) => {
    const { code, output } = await simulate('--mutation', mutation, '--seeds', '200', '--hours', '20', '--stop');
    expect(output).toMatch(new RegExp(`^violations: .*(${rules})`, 'm'));
    expect(code).toBe(1);
  });
});

test('wrong usage is named', async () => {
  expect(await simulate('--seeds', 'many')).toMatchObject({ code: 2, complaint: expect.stringContaining('--seeds: a whole number') });
  expect(await simulate('--mutation', 'x')).toMatchObject({ code: 2, complaint: expect.stringContaining('no-fence') });
  expect(await simulate('--trace')).toMatchObject({ code: 2, complaint: expect.stringContaining('--seed') });
});
