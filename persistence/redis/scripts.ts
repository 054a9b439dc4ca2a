/** The Lua files as typed names, and how one is run: by its hash, and with its text when the server does not know it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RedisServer } from './server.ts';

export interface Script {
  readonly name: string;
  readonly text: string;
  readonly sha: string;
}

export function loadScript(name: string): Script {
  const text = readFileSync(new URL(import.meta.resolve(`#lua/${name}.lua`)), 'utf8');
  return { name, text, sha: createHash('sha1').update(text).digest('hex') };
}

/**
 * Runs a script. Integers come back as numbers, everything else as Buffers. Rejects with the script's own error code
 * as message, or, when the answer was lost, with ioredis's error: then the script may have run.
 */
export async function runScript(
  { redis, shared }: RedisServer,
  script: Script,
  keys: readonly string[],
  args: readonly (string | Buffer)[],
): Promise<unknown> {
  try {
    return await shared(() => redis.callBuffer('EVALSHA', script.sha, keys.length, ...keys, ...args));
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    // Safe to send again: the first call did not run.
    return await shared(() => redis.callBuffer('EVAL', script.text, keys.length, ...keys, ...args));
  }
}
