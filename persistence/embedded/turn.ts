/** One process at a time may start or stop the stores of a folder: whoever comes second waits, then adopts. */
import { lstatSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 20;
/** Longer than any start takes: an older lock was left by a process whose number belongs to another by now. */
const lockLimitMs = 180_000;

/** Runs `work` while no other process does so for the same folder. Survives a kill -9 of the one whose turn it was. */
export async function inTurn<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const lock = join(folder, 'starting');
  // A link is made whole or not at all, so the lock always names its holder.
  while (!taken(lock)) {
    if (isStale(lock)) rmSync(lock, { force: true });
    else await delay(pollMs);
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function taken(lock: string): boolean {
  try {
    symlinkSync(String(process.pid), lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isStale(lock: string): boolean {
  try {
    return !isAlive(Number(readlinkSync(lock))) || Date.now() - lstatSync(lock).mtimeMs > lockLimitMs;
  } catch {
    return false; // let go in this moment
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
