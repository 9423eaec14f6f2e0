/**
 * What `npm run demo | start | test | check | bench` call first: install and build, skipped when both are current.
 *
 *   node scripts/setup.mjs [--dev] [COMMAND ARGS…]
 *
 * `--dev` installs everything; without it devDependencies stay out, so that a first demo downloads little. A command is
 * one of `zhongkong`'s and then runs in this very process.
 * This file checks Node's version before it loads anything else, therefore it uses no syntax newer than Node 14.
 */

const REQUIRED = [20, 19];

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < REQUIRED[0] || (major === REQUIRED[0] && minor < REQUIRED[1])) {
  console.error(
    `Zhongkong needs Node ${REQUIRED.join('.')} or newer; this is ${process.version}. Install a newer Node and run the command again.`,
  );
  console.error(`Zhongkong 需要 Node ${REQUIRED.join('.')} 或更高版本，当前是 ${process.version}。请升级 Node 后重新运行。`);
  process.exit(1);
}

const dev = process.argv[2] === '--dev';
const command = process.argv.slice(dev ? 3 : 2);

/**
 * A signal sent to npm kills the shell that npm put between itself and us, and the shell hands nothing on: a server would
 * go on alone. Losing the parent is therefore taken as that signal. (Windows keeps the parent's id: nothing happens.)
 */
function endWithParent() {
  const parent = process.ppid;
  const look = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(look);
    process.kill(process.pid, 'SIGTERM');
  }, 500);
  look.unref();
}

async function run() {
  const { setUp } = await import('./setup/run.mjs');
  await setUp({ dev });
  if (command.length === 0) return;
  endWithParent();
  // The command reads its arguments where every command finds them.
  process.argv.splice(2, Infinity, ...command);
  await import('../packages/server/dist/cli/main.js');
}

void run();
