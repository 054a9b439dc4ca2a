/** Reading a result of any size in little memory. */
import type pg from 'pg';

const chunkRows = 5_000;

/** Rows in chunks, through a cursor of the transaction that `client` is in. One at a time per transaction. */
export async function* chunks<T>(
  client: pg.ClientBase,
  sql: string,
  values: readonly unknown[],
  readRow: (row: pg.QueryResultRow) => T,
): AsyncIterable<T[]> {
  await client.query(`declare chunk no scroll cursor for ${sql}`, [...values]);
  for (;;) {
    const { rows } = await client.query(`fetch ${chunkRows} from chunk`);
    if (rows.length === 0) break;
    yield rows.map(readRow);
  }
  await client.query('close chunk');
}
