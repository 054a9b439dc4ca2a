/** `onsale audit`: runs the auditor and prints what it found, for people or as JSON. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type AuditSources, audit } from '../auditor.ts';
import type { AckedBooking, AuditReport } from '../engine/audit.ts';
import { readJsonLine } from './json-line.ts';

export interface AuditOptions extends Omit<AuditSources, 'acked'> {
  readonly json: boolean;
  /** File of JSON lines that a client wrote, one for each answer it got; null when there is none. */
  readonly ackedFile: string | null;
}

/** A line of the file. Other fields are ignored; the key is the Idempotency-Key of the reservation. */
const ackedLine = z
  .object({
    booking_id: z.uuid(),
    user_id: z.uuid(),
    event_id: z.uuid(),
    zone_id: z.uuid(),
    quantity: z.int(),
    status: z.enum(['reserved', 'confirmed', 'cancelled']),
    key: z.string().nullish(),
  })
  .transform(
    (line): AckedBooking => ({
      bookingId: line.booking_id,
      userId: line.user_id,
      eventId: line.event_id,
      zoneId: line.zone_id,
      quantity: line.quantity,
      status: line.status,
      key: line.key ?? null,
    }),
  );

/** The exit code: 0 when every promise holds, 1 on a violation. Rejects when a source cannot be read. */
export async function runAudit(options: AuditOptions, io: { readonly print: (line: string) => void }): Promise<number> {
  const { json, ackedFile, ...sources } = options;
  const acked = ackedFile === null ? [] : await readAcked(ackedFile);
  const report = await audit({ ...sources, acked });
  if (json) io.print(JSON.stringify(report, null, 2));
  else for (const line of auditTable(report)) io.print(line);
  return report.clean ? 0 : 1;
}

/** Throws when a line is not as promised, except a torn last one: its writer was killed before it knew the answer. */
export async function readAcked(file: string): Promise<readonly AckedBooking[]> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  lines.pop();
  return lines.map((text, index) => readJsonLine(ackedLine, text, { file, line: index + 1 }));
}

/** The report as lines of text. */
export function auditTable(report: AuditReport): readonly string[] {
  const rows = report.checks.map(({ promise, claim, examined, violations, pending }) => {
    const result = violations > 0 ? `${violations} VIOLATED` : examined === 0 ? 'not proved' : 'holds';
    const waiting = pending > 0 ? `, ${pending} under way` : '';
    return `${promise}  ${claim.padEnd(52)} ${String(examined).padStart(9)}  ${result}${waiting}`;
  });
  return [
    `audit at ${report.at}`,
    `    ${'promise'.padEnd(52)} ${'examined'.padStart(9)}  result`,
    ...rows,
    ...report.findings.map(({ promise, kind, sentence }) => `${promise}  ${kind}: ${sentence}`),
    ...report.notes.map((note) => `note: ${note}`),
    report.clean ? 'clean' : 'VIOLATED',
  ];
}
