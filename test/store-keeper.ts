/**
 * Gives a test run its folder for stores, and sees to it that nothing stays behind, however the run ends: a process
 * of its own holds one end of a pipe, and when the other end closes (also by Ctrl-C or kill -9) it stops the stores
 * that were started in the folder and removes it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    readonly storesFolder: string;
  }
}

export function setup(project: TestProject): () => Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'onsale-test-'));
  chmodSync(folder, 0o755); // as root, PostgreSQL runs as another user, who must be able to enter
  project.provide('storesFolder', folder);
  const reaper = spawn(process.execPath, [join(import.meta.dirname, 'store-reaper.mjs'), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  return async () => {
    reaper.stdin.end();
    await once(reaper, 'exit');
  };
}
