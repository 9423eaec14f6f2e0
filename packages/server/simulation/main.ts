/**
 * `npm run simulate`: runs seeds on all cores and says what they came to. See docs/simulation.md.
 *
 * Every worker takes the next seed that nobody has; a run depends on nothing but its seed, so who runs it is the same.
 */

import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { type Options, readOptions, USAGE, WrongUsage } from './options.ts';
import { runSeed, type SeedResult } from './run.ts';
import { Summary } from './summary.ts';
import { traceTo } from './trace.ts';

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const complain = (line: string): void => void process.stderr.write(`${line}\n`);
const PROGRESS_MS = 10_000;
/** Nothing of a run lives long: with room for it, little is copied. */
const YOUNG_MB = 128;

if (isMainThread) {
  try {
    const options = readOptions(process.argv.slice(2));
    if (options === 'help') print(USAGE);
    else process.exitCode = await runAll(options);
  } catch (error) {
    if (!(error instanceof WrongUsage)) throw error;
    complain(`${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
  }
} else {
  await work(workerData as WorkerData);
}

interface WorkerData {
  readonly options: Options;
  /** [0]: seeds taken so far. */
  readonly taken: Int32Array;
}

/** The exit code. */
async function runAll(options: Options): Promise<number> {
  const { from, seeds, hours, mutation, trace } = options;
  const summary = new Summary();
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  const seconds = (): number => (performance.now() - startedAt) / 1000;
  if (options.workers === 1) {
    const show = trace ? { trace: (now: () => number) => traceTo(print, now) } : {};
    for (let seed = from; seed < from + seeds; seed += 1) {
      summary.add(await runSeed({ seed, nodeHours: hours, mutation, ...show }));
      if (options.stopAtFirst && summary.violated) break;
    }
  } else {
    const taken = new Int32Array(new SharedArrayBuffer(4));
    const progress = setInterval(() => complain(`${summary.seeds} of ${seeds} seeds after ${seconds().toFixed(0)} s`), PROGRESS_MS);
    try {
      await Promise.all(Array.from({ length: Math.min(options.workers, seeds) }, () => oneWorker({ options, taken }, summary)));
    } finally {
      clearInterval(progress);
    }
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  for (const line of summary.lines(from, seconds(), (user + system) / 1e6)) print(line);
  return summary.violated ? 1 : 0;
}

function oneWorker(data: WorkerData, summary: Summary): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: data, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
    worker.on('message', (result: SeedResult) => {
      summary.add(result);
      if (data.options.stopAtFirst && summary.violated) Atomics.store(data.taken, 0, data.options.seeds);
    });
    worker.on('error', reject);
    worker.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a worker ended with code ${code}`))));
  });
}

async function work({ options, taken }: WorkerData): Promise<void> {
  // Errors are part of every run, and who looks into one replays its seed.
  Error.stackTraceLimit = 0;
  const { from, seeds, hours, mutation } = options;
  for (let index = Atomics.add(taken, 0, 1); index < seeds; index = Atomics.add(taken, 0, 1)) {
    parentPort?.postMessage(await runSeed({ seed: from + index, nodeHours: hours, mutation }));
    // Lets the message leave: a run itself never comes back to the event loop.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
