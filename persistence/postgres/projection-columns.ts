/** How events become the columns of one statement: an array for each column, in the order of the events. */
import type pg from 'pg';
import type { SagaEvent } from '../../engine/saga-events.ts';
import { bigints, integers, moments, texts, uuids } from './binary-arrays.ts';

export type Of<T extends SagaEvent['type']> = Extract<SagaEvent, { type: T }>;

export function typed<T extends SagaEvent['type']>(events: readonly SagaEvent[], type: T): Of<T>[] {
  return events.filter((event): event is Of<T> => event.type === type);
}

export type Statement = Required<Pick<pg.QueryConfig<unknown[]>, 'name' | 'text' | 'values'>>;

/** One parameter of a statement: what it reads of each event. */
type Column<E> = (events: readonly E[]) => unknown;

export const string =
  <E>(read: (event: E) => string | null): Column<E> =>
  (events) =>
    texts(events.map(read));

export const int =
  <E>(read: (event: E) => number): Column<E> =>
  (events) =>
    integers(events.map(read));

export const bigint =
  <E>(read: (event: E) => number): Column<E> =>
  (events) =>
    bigints(events.map(read));

export const uuid =
  <E>(read: (event: E) => string): Column<E> =>
  (events) =>
    uuids(events.map(read));

/** `read` answers epoch milliseconds. */
export const moment =
  <E>(read: (event: E) => number | null): Column<E> =>
  (events) =>
    moments(events.map(read));

/** A statement whose parameters are columns: one array each, in the order of the events. None without events. */
export function statementOf<E>(
  statement: Omit<Statement, 'values'>,
  events: readonly E[],
  columns: readonly Column<E>[],
): readonly Statement[] {
  return events.length === 0 ? [] : [{ ...statement, values: columns.map((column) => column(events)) }];
}
