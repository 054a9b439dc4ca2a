/** The command: its exit code, its two shapes of output, and the file in which clients wrote down their answers. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AckedBooking } from '../engine/audit.ts';
import { type AuditedSale, openSale } from '../test/audited-sale.ts';
import { newId } from '../test/contracts/event-sample.ts';
import { readAcked, runAudit } from './audit.ts';

let sale: AuditedSale;
let folder: string;
let file: string;

beforeAll(async () => {
  [sale, folder] = await Promise.all([openSale(), mkdtemp(join(tmpdir(), 'onsale-acked-'))]);
  file = join(folder, 'acked.jsonl');
});
afterAll(() => Promise.all([sale.close(), rm(folder, { recursive: true })]));

const lineOf = (acked: AckedBooking) =>
  `${JSON.stringify({
    booking_id: acked.bookingId,
    user_id: acked.userId,
    event_id: acked.eventId,
    zone_id: acked.zoneId,
    quantity: acked.quantity,
    status: acked.status,
    key: acked.key,
    at: 'other fields are ignored',
  })}\n`;

async function run(text: string, json: boolean): Promise<readonly [code: number, output: string]> {
  await writeFile(file, text);
  const printed: string[] = [];
  const { sources } = sale;
  const code = await runAudit({ ...sources, json, ackedFile: file }, { print: (line) => void printed.push(line) });
  return [code, printed.join('\n')];
}

it('exits 0 and prints a table when every promise holds', async () => {
  const [code, output] = await run(sale.acked.map(lineOf).join(''), false);
  expect(code).toBe(0);
  expect(output).toMatch(/^P2 .* 3 {2}holds$/m);
  expect(output).toMatch(/\nclean$/);
});

it('exits 1 and names the booking when a promise is broken', async () => {
  const lost = { ...(sale.acked[0] as AckedBooking), bookingId: newId(), key: null };
  const [code, output] = await run(lineOf(lost), false);
  expect(code).toBe(1);
  expect(output).toMatch(/^P2 .* 1 {2}1 VIOLATED$/m);
  expect(output).toContain(`P2  violation: booking ${lost.bookingId} of user`);
  expect(output).toMatch(/\nVIOLATED$/);
});

it('prints JSON that says the same', async () => {
  const [code, output] = await run('', true);
  expect(code).toBe(0);
  expect(JSON.parse(output)).toMatchObject({ clean: true, checks: { length: 7 }, findings: [] });
});

it('says "not proved" for a promise of which nothing was looked at', async () => {
  expect((await run('', false))[1]).toMatch(/^P2 .* 0 {2}not proved$/m);
});

it('ignores a torn last line, whose writer was killed, and refuses any other', async () => {
  const [first, second] = sale.acked.map(lineOf) as [string, string];
  await writeFile(file, first + second.slice(0, 50));
  expect(await readAcked(file)).toEqual([sale.acked[0]]);
  await writeFile(file, first.replace('reserved', 'imagined') + second);
  await expect(readAcked(file)).rejects.toThrow(/line 1: .*status/s);
});
