#!/usr/bin/env node
// npm links a package's command only when its file is there at installation, which in a clone comes before the build.
import '../dist/cli.js';
