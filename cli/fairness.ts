/**
 * `onsale fairness verify FILE`: checks the log of a waiting room offline. The file holds answers of
 * `GET /api/v1/events/:id/fairness`, one a line, in their order.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { UsageError } from '../config.ts';
import { FairnessCheck } from '../engine/fairness.ts';
import { entryKinds } from '../engine/queue-log.ts';
import { sha256 } from '../world.ts';
import { readJsonLine } from './json-line.ts';

const entry = z
  .object({
    seq: z.int(),
    at_ms: z.int(),
    kind: z.enum(entryKinds),
    who: z.string().nullable(),
    line: z.enum(['priority', 'regular', 'lobby']).nullable(),
    place: z.int().nullable(),
    detail: z.string(),
    hash: z.string(),
  })
  .transform(({ at_ms, ...rest }) => ({ ...rest, atMs: at_ms }));

const page = z.object({ data: z.object({ event_id: z.uuid(), entries: z.array(entry) }) });

/** More findings than this say nothing new. */
const findingsShown = 20;

/** The exit code: 0 when the log proves a fair order, 1 when it does not. Rejects when the file is no report. */
export async function verifyFairness(file: string, io: { readonly print: (line: string) => void }): Promise<number> {
  const check = new FairnessCheck(sha256);
  let event: string | null = null;
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    number++;
    if (line.trim() === '') continue;
    const { event_id, entries } = readJsonLine(page, line, { file, line: number }).data;
    if (event !== null && event !== event_id) throw new UsageError(`${file}, line ${number}: a log of another event`);
    event = event_id;
    for (const one of entries) check.add(one);
  }
  const { entries, joined, admitted, left, timedOut, priority, activeMax, lastHash } = check.summary;
  io.print(`event      ${event ?? 'none'}`);
  io.print(`entries    ${entries}, the last one ${lastHash}`);
  io.print(`joined     ${joined}, ${priority} of them with priority`);
  io.print(`admitted   ${admitted}, at most ${activeMax} at the same time`);
  io.print(`gone       ${left} left, ${timedOut} were not there any more`);
  for (const { seq, problem } of check.findings.slice(0, findingsShown)) io.print(`entry ${seq} ${problem}`);
  const problems = check.findings.length;
  if (problems > findingsShown) io.print(`… and ${problems - findingsShown} more`);
  // Without a single entry nothing was proved.
  const fair = problems === 0 && entries > 0;
  io.print(fair ? 'fair: the chain is whole, and every exception has its reason' : 'NOT PROVED');
  return fair ? 0 : 1;
}
