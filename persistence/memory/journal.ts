/** The journal of event-sourced actors in memory. A number that is taken is refused, as by the table's primary key. */
import type { Journal, JournalRecord } from '../../engine/ports.ts';
import { direct, type Wire } from './wire.ts';

export interface MemoryJournal extends Journal {
  readonly records: readonly JournalRecord[];
}

export function createMemoryJournal(wire: Wire = direct): MemoryJournal {
  const records: JournalRecord[] = [];
  return {
    records,
    read: (key, afterSeq) =>
      wire('journal.read', () => records.filter((record) => record.key === key && record.seq > afterSeq)),
    append: (record) =>
      wire('journal.append', () => {
        if (records.some(({ key, seq }) => key === record.key && seq === record.seq))
          throw new Error(`journal of ${record.key} has a record ${record.seq} already`);
        records.push(record);
      }),
  };
}
