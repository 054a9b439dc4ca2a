/** How events become the columns of one statement: an array for each column, in the order of the events. */
import type pg from 'pg';
import type { SagaEvent } from '../../engine/saga-events.ts';

export type Of<T extends SagaEvent['type']> = Extract<SagaEvent, { type: T }>;

export function typed<T extends SagaEvent['type']>(events: readonly SagaEvent[], type: T): Of<T>[] {
  return events.filter((event): event is Of<T> => event.type === type);
}

/** Runs a statement whose parameters are columns: one array each, in the order of the readers. */
export async function write<E>(
  client: pg.ClientBase,
  statement: { name: string; text: string },
  events: readonly E[],
  columns: ((event: E) => unknown)[],
) {
  if (events.length === 0) return;
  await client.query({ ...statement, values: columns.map((read) => events.map(read)) });
}

export const at = (event: SagaEvent) => new Date(event.atMs).toISOString();
