/** `npm run faults`: docs/fault-runs.md says what it does. Exit code 0 when the counts are right, 1 when not, 2 wrong usage. */

import { readOptions, UsageError } from './options.mjs';
import { isRight, summary } from './report.mjs';
import { run } from './run.mjs';

class Interrupted extends Error {}

const say = (text) => process.stdout.write(`${text}\n`);

/** Ctrl-C ends what was started, too. A second one ends at once. */
const interrupted = new Promise((_, reject) => {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => reject(new Interrupted(`${signal}: ending what was started`)));
});
interrupted.catch(() => undefined);

async function main() {
  const options = readOptions(process.argv.slice(2));
  if (options === null) return 0;
  let right = true;
  for (const store of options.stores) {
    say(`\n${store}: seed ${options.seed}, ${options.accounts} accounts, faults for ${options.seconds} s`);
    const result = await run({ ...options, store, interrupted }, say);
    for (const text of summary(store, result)) say(text);
    right &&= isRight(result);
  }
  say(right ? '\nfaults: the counts are right' : '\nfaults: the counts are NOT right');
  return right ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  const told = error instanceof UsageError || error instanceof Interrupted;
  process.stderr.write(`${told ? error.message : error.stack}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
// What an interrupted run still waits for is of no use.
process.exit();
