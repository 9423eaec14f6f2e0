/**
 * One set-up at a time per work tree: a lock folder (mkdir is atomic everywhere) with the holder's pid inside.
 *
 * A lock whose holder is gone is taken over by renaming it away first: only one of several waiters wins the rename.
 * It lies beside node_modules, not inside, because `npm ci` deletes node_modules.
 */

import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SetupFailure } from './failure.mjs';

export const LOCK_FOLDER = '.setup-lock';
const POLL_MS = 200;
/** A folder without a pid is being made right now, unless it is older than this: then its maker was killed in between. */
const PID_GRACE_MS = 5_000;
/** No set-up takes this long: the pid belongs to someone else by now (a container that restarted on the same folder). */
const MAX_HELD_MS = 20 * 60_000;

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function abandoned(folder) {
  let ageMs = 0;
  try {
    ageMs = Date.now() - statSync(folder).mtimeMs;
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    if (Number.isInteger(pid) && pid > 0) return !alive(pid) || ageMs > MAX_HELD_MS;
  } catch (error) {
    // Released between two looks, or no pid in it yet.
    if (error.code !== 'ENOENT') throw error;
  }
  return ageMs > PID_GRACE_MS;
}

function take(folder) {
  try {
    mkdirSync(folder);
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw new SetupFailure(
      `This folder cannot be written (${error.code}): set-up installs and builds in it. Change its owner or copy the project elsewhere.`,
      `无法写入当前目录（${error.code}）：安装和构建都在这里进行。请修改目录权限，或把项目复制到别处。`,
    );
  }
  writeFileSync(join(folder, 'pid'), String(process.pid));
  return true;
}

/** @param {string} root @param {() => void | Promise<void>} work @param {number} [pollMs] */
export async function withLock(root, work, pollMs = POLL_MS) {
  const folder = join(root, LOCK_FOLDER);
  for (let told = false; !take(folder); ) {
    if (abandoned(folder)) {
      const grave = `${folder}-${process.pid}`;
      try {
        renameSync(folder, grave);
        rmSync(grave, { recursive: true, force: true });
      } catch (error) {
        if (error.code !== 'ENOENT') throw error;
      }
      continue;
    }
    if (!told) console.error('Another set-up is running in this folder; waiting for it. / 另一个安装正在进行，等待其完成…');
    told = true;
    await sleep(pollMs);
  }
  const release = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', release);
  try {
    await work();
  } finally {
    process.off('exit', release);
    release();
  }
}
