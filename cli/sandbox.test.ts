import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readConfig } from '../config.ts';
import { readOwnCharges } from './sandbox.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onsale-sandbox-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('reads what was charged without touching the journal, to which a sandbox at another port may be writing', async () => {
  const journal = join(folder, 'data', 'sandbox.jsonl');
  await mkdir(join(folder, 'data'));
  await writeFile(journal, '');
  await appendFile(journal, '{"half a li');
  const config = readConfig({ ONSALE_DATA_DIR: join(folder, 'data'), SANDBOX_PORT: '0' });
  expect(await readOwnCharges(config)).toEqual([]);
  expect(await readFile(journal, 'utf8')).toBe('{"half a li');
});
