/** The logs of the waiting rooms, for engine/fairness.ts to judge. */
import type pg from 'pg';
import type { QueueEntry } from '../../engine/queue-log.ts';
import { chunks } from './cursor.ts';
import { entryColumns, readEntry } from './room-ledger.ts';

export interface AuditedRoom {
  readonly eventId: string;
  /** How many entries its log must have. */
  readonly lastSeq: number;
}

export async function readRooms(client: pg.ClientBase, eventId: string | null): Promise<readonly AuditedRoom[]> {
  const sql = `
    select event_id, last_seq from waiting_rooms where $1::uuid is null or event_id = $1 order by event_id`;
  const { rows } = await client.query(sql, [eventId]);
  return rows.map(({ event_id, last_seq }) => ({ eventId: event_id, lastSeq: Number(last_seq) }));
}

/** The whole log of a room in its order, in chunks. */
export function readQueueLog(client: pg.ClientBase, eventId: string): AsyncIterable<readonly QueueEntry[]> {
  const sql = `select ${entryColumns} from queue_log where event_id = $1 order by seq`;
  return chunks(client, sql, [eventId], (row) => readEntry(row as Parameters<typeof readEntry>[0]));
}
