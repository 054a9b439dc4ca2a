/**
 * Which processes work with the stores of a folder, so that nobody stops them under another. A process signs in with a file
 * that is called by its number and holds its command line, for the number of a dead one may be another's by now.
 * Whoever calls has the turn of the folder (turn.ts).
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandOf } from './server.ts';

const bookOf = (dataDir: string): string => join(dataDir, 'guests');

/** A process is one guest, however often it signs in. */
export function signIn(dataDir: string): void {
  mkdirSync(bookOf(dataDir), { recursive: true });
  writeFileSync(join(bookOf(dataDir), String(process.pid)), commandOf(process.pid));
}

/** Answers true when no other living process is signed in. */
export function signOut(dataDir: string): boolean {
  rmSync(join(bookOf(dataDir), String(process.pid)), { force: true });
  for (const name of readdirSync(bookOf(dataDir))) {
    const file = join(bookOf(dataDir), name);
    if (commandOf(Number(name)) === readFileSync(file, 'utf8')) return false;
    rmSync(file);
  }
  return true;
}
