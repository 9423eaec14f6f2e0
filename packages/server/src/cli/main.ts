#!/usr/bin/env node
/** The `zhongkong` command. */

import { processIo } from './process-io.ts';
import { runCli } from './program.ts';

// Not process.exit(): what was written to a pipe must arrive.
process.exitCode = await runCli(process.argv.slice(2), processIo());
