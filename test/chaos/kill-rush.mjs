/**
 * Kills a server in the middle of an on-sale, again and again: `npm run chaos -- --kills 20`. This file only makes the
 * run a script of its own; what happens in it is written in bench/chaos.ts, and every option goes there.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const program = join(import.meta.dirname, '..', '..', 'bin', 'onsale.mjs');
const run = spawnSync(process.execPath, [program, 'bench', 'chaos', ...process.argv.slice(2)], { stdio: 'inherit' });
process.exitCode = run.status ?? 1;
