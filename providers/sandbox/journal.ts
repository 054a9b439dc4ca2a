/**
 * An append-only file of JSON lines. Owns order and torn tails; what a line means is the ledger's business.
 *
 * A line is handed to the operating system before `append` returns, so it outlives a killed process. It does not
 * outlive a power cut: nobody's money is in a sandbox.
 */
import { closeSync, createReadStream, ftruncateSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export interface Journal {
  /** @throws when the line could not be written; the file then ends with the line before it */
  append(line: object): void;
  /** Puts these lines in the place of all there are; who dies meanwhile finds the old ones. */
  replace(lines: Iterable<object>): void;
  close(): void;
}

/**
 * Hands every complete line of the file to `replay`, cuts off a torn last one, and opens the file for more.
 *
 * @param file null keeps nothing
 * @throws when a line in the middle is not JSON: the file was edited, and guessing would invent payments
 */
export async function openJournal(file: string | null, replay: (line: unknown) => void): Promise<Journal> {
  if (file === null) return { append: () => {}, replace: () => {}, close: () => {} };
  mkdirSync(dirname(file), { recursive: true });
  let descriptor = openSync(file, 'a');
  let sizeBytes = await replayLines(file, replay);
  let closed = false;
  ftruncateSync(descriptor, sizeBytes);
  return {
    append(line) {
      // The number of a closed descriptor may belong to another file by now.
      if (closed) throw new Error(`${file} is closed`);
      const bytes = bytesOf(line);
      try {
        writeWhole(descriptor, bytes);
      } catch (error) {
        ftruncateSync(descriptor, sizeBytes);
        throw error;
      }
      sizeBytes += bytes.length;
    },
    replace(lines) {
      const next = openSync(`${file}.next`, 'w');
      sizeBytes = 0;
      for (const line of lines) {
        const bytes = bytesOf(line);
        writeWhole(next, bytes);
        sizeBytes += bytes.length;
      }
      closeSync(next);
      renameSync(`${file}.next`, file);
      closeSync(descriptor);
      descriptor = openSync(file, 'a');
    },
    close() {
      closed = true;
      closeSync(descriptor);
    },
  };
}

const bytesOf = (line: object) => Buffer.from(`${JSON.stringify(line)}\n`);

function writeWhole(descriptor: number, bytes: Buffer): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
}

/** The answer is how many bytes of the file are complete lines. */
async function replayLines(file: string, replay: (line: unknown) => void): Promise<number> {
  let completeBytes = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    let start = 0;
    for (let end = rest.indexOf('\n'); end !== -1; end = rest.indexOf('\n', start)) {
      replay(parseLine(rest.toString('utf8', start, end), file, completeBytes));
      completeBytes += end + 1 - start;
      start = end + 1;
    }
    rest = rest.subarray(start);
  }
  return completeBytes;
}

function parseLine(text: string, file: string, atByte: number): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${file} is damaged at byte ${atByte}: move it away to start with an empty sandbox`, { cause });
  }
}
