/**
 * The buyers' own notes: one line for each answer that promised something, appended when the answer has arrived, by a
 * process that no fault of the server can reach. `onsale audit --acked` holds us to every line.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { AckedBooking } from '../engine/audit.ts';

export interface AckedLog {
  readonly file: string;
  readonly lines: number;
  note(acked: AckedBooking): void;
  close(): void;
}

export function openAckedLog(file: string): AckedLog {
  const descriptor = openSync(file, 'a');
  let lines = 0;
  return {
    file,
    get lines() {
      return lines;
    },
    note({ bookingId, userId, eventId, zoneId, quantity, status, key }) {
      const line = {
        booking_id: bookingId,
        user_id: userId,
        event_id: eventId,
        zone_id: zoneId,
        quantity,
        status,
        key,
      };
      writeSync(descriptor, `${JSON.stringify({ ...line, at: new Date().toISOString() })}\n`);
      lines++;
    },
    close: () => closeSync(descriptor),
  };
}
