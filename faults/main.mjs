/** `npm run faults`: docs/fault-runs.md says what it does. Exit code 0 when the counts are right, 1 when not, 2 wrong usage. */

import { readOptions, UsageError } from './options.mjs';
import { isRight, summary } from './report.mjs';
import { run } from './run.mjs';

const say = (text) => process.stdout.write(`${text}\n`);

async function main() {
  const options = readOptions(process.argv.slice(2));
  if (options === null) return 0;
  let right = true;
  for (const store of options.stores) {
    say(`\n${store}: seed ${options.seed}, ${options.accounts} accounts, faults for ${options.seconds} s`);
    const result = await run({ ...options, store }, say);
    for (const text of summary(store, result)) say(text);
    right &&= isRight(result);
  }
  say(right ? '\nfaults: the counts are right' : '\nfaults: the counts are NOT right');
  return right ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(error instanceof UsageError ? `${error.message}\n` : `${error.stack}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
