/** The contract of a ledger (ledger.ts beside this file), in memory and over a real PostgreSQL. */
import pg from 'pg';
import { afterAll } from 'vitest';
import { createMemoryLedger } from '../../persistence/memory/ledger.ts';
import { openLane } from '../../persistence/postgres/lane.ts';
import { createZoneLedger } from '../../persistence/postgres/zone-ledger.ts';
import { openDatabase } from '../stores.ts';
import { insertZone } from './catalogue.ts';
import { describeLedger } from './ledger.ts';
import { terms } from './ledger-bench.ts';

describeLedger('memory', async () => {
  const ledger = createMemoryLedger(Date.now);
  const { tables } = ledger;
  return {
    ledger,
    addZone: async (zone) => ledger.addZone({ ...zone, ...terms }),
    counters: async (zoneId) => {
      const row = tables.zones.get(zoneId);
      if (!row) throw new Error('no such zone');
      const { capacity, available, held, sold, blocked, version } = row;
      return { capacity, available, held, sold, blocked, version };
    },
    told: async (eventId) => tables.outbox.filter(([first]) => first?.data.event_id === eventId),
  };
});

const closers: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closers) await close();
});

describeLedger('PostgreSQL', async () => {
  const database = await openDatabase();
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  const options = { databaseUrl: database.url, statementTimeoutMs: 10_000, connectTimeoutMs: 10_000 };
  const batches = openLane({ ...options, name: 'batches' });
  const lane = openLane({ ...options, name: 'reads' });
  closers.push(
    () => batches.close(),
    () => lane.close(),
    () => pool.end(),
    () => database.drop(),
  );
  return {
    ledger: createZoneLedger({ commitLanes: [batches], lane, databaseUrl: database.url }),
    addZone: (zone) => insertZone(pool, { ...zone, ...terms }),
    async counters(zoneId) {
      const text = 'select capacity, available, held, sold, blocked, version::int from zones where id = $1';
      return (await pool.query(text, [zoneId])).rows[0];
    },
    async told(eventId) {
      const text = `select events from outbox where events::jsonb -> 0 -> 'data' ->> 'event_id' = $1 order by seq`;
      return (await pool.query(text, [eventId])).rows.map((row) => JSON.parse(row.events));
    },
  };
});
