/** Waits until its input closes, then ends the nodes and stores below the folder named and removes it. See store-keeper.ts. */
import { readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const folder = process.argv[2];
if (!folder) throw new Error('usage: store-reaper.mjs FOLDER');

process.stdin.resume();
process.stdin.once('end', reap);

async function reap() {
  for (const store of readdirSync(folder)) {
    await end(join(folder, store, 'node.pid'), 'SIGKILL');
    // Nobody reads this data again, so the quick way out will do.
    await end(join(folder, store, 'postgres', 'postmaster.pid'), 'SIGQUIT');
    await end(join(folder, store, 'redis', 'redis.pid'), 'SIGKILL');
    await end(join(folder, store, 'kafka.pid'), 'SIGKILL');
    rmSync(realpathOf(join(folder, store, 'postgres')), { recursive: true, force: true });
  }
  rmSync(folder, { recursive: true, force: true });
}

/** Bounded, because a dead process that nobody collects can be sent signals for ever. */
async function end(pidFile, signal) {
  const pid = pidIn(pidFile);
  for (let tries = 0; tries < 250 && pid > 0 && send(pid, signal); tries++) await delay(20);
}

function pidIn(file) {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10);
  } catch {
    return 0;
  }
}

function send(pid, signal) {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

function realpathOf(path) {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
