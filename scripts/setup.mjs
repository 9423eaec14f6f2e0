/**
 * What `npm run demo | start | test | check | bench` call first: install and build, skipped when both are current.
 *
 * `--dev` installs everything; without it devDependencies stay out, so that a first demo downloads little.
 * This file checks Node's version before it loads anything else, therefore it uses no syntax newer than Node 14.
 */

const REQUIRED = [20, 19];

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < REQUIRED[0] || (major === REQUIRED[0] && minor < REQUIRED[1])) {
  console.error(
    `Zhongkong needs Node ${REQUIRED.join('.')} or newer; this is ${process.version}. Install a newer Node and run the command again.`,
  );
  console.error(`Zhongkong 需要 Node ${REQUIRED.join('.')} 或更高版本,当前是 ${process.version}。请升级 Node 后重新运行。`);
  process.exit(1);
}

void import('./setup/run.mjs').then(({ setUp }) => setUp({ dev: process.argv.includes('--dev') }));
