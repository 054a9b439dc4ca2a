import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openJournal } from './journal.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onsale-journal-'));
  file = join(folder, 'deeper', 'sandbox.jsonl');
});

afterEach(() => rmSync(folder, { recursive: true }));

async function reopen() {
  const lines: unknown[] = [];
  const journal = await openJournal(file, (line) => lines.push(line));
  return { journal, lines };
}

async function written(...lines: object[]): Promise<void> {
  const { journal } = await reopen();
  for (const line of lines) journal.append(line);
  journal.close();
}

test('what was appended is replayed in order, also over chunks and beyond ASCII', async () => {
  const lines = Array.from({ length: 3_000 }, (_, n) => ({ n, text: `ตั๋ว ${'x'.repeat(n % 1_000)}` }));
  await written(...lines);
  expect((await reopen()).lines).toEqual(lines);
});

test('a torn last line is cut off, and the next one stands alone', async () => {
  await written({ n: 1 }, { n: 2 });
  appendFileSync(file, '{"n":3,"te');
  const { journal, lines } = await reopen();
  expect(lines).toEqual([{ n: 1 }, { n: 2 }]);
  journal.append({ n: 4 });
  journal.close();
  expect(readFileSync(file, 'utf8')).toBe('{"n":1}\n{"n":2}\n{"n":4}\n');
});

test('damage in the middle stops the start and says where', async () => {
  await written({ n: 1 }, { n: 2 });
  writeFileSync(file, readFileSync(file, 'utf8').replace('{"n":1}', '{"n":!}'));
  await expect(reopen()).rejects.toThrow(/damaged at byte 0/);
});

test('nothing is written after closing', async () => {
  const { journal } = await reopen();
  journal.close();
  expect(() => journal.append({ n: 1 })).toThrow(/closed/);
});
