/** Whether gate and truth count the same seats, and how the gate is made to (engine/operator.ts). */
import type pg from 'pg';
import type { Inventory, ZoneInventory } from '../engine/operator.ts';
import type { Gate, ZoneLedger } from '../engine/ports.ts';
import type { GateConnection } from './redis/connection.ts';
import { zoneKey } from './redis/keys.ts';

const zonesSql = `
  select event_id, id, name, capacity, available, held, sold, blocked, version::int
  from zones where $1::uuid is null or event_id = $1 order by event_id, sort_order, id`;

const counters = ['capacity', 'available', 'held', 'sold', 'blocked', 'version'] as const;
type Counted = ZoneInventory['truth'];

const connectWaitMs = 1_000;

export function createInventory(stores: {
  readonly pool: pg.Pool;
  readonly gateConnection: GateConnection;
  readonly gate: Gate;
  readonly ledger: ZoneLedger;
}): Inventory {
  const { pool, gateConnection, gate, ledger } = stores;
  const status: Inventory['status'] = async (eventId) => {
    const { rows } = await pool.query({ name: 'zones_counted', text: zonesSql, values: [eventId] });
    return Promise.all(rows.map((row) => compare(gateConnection, row)));
  };
  return {
    status,
    async sync(eventId) {
      const events = eventId === null ? await disagreeing(status) : [eventId];
      const never = async () => false;
      for (const id of events) await ledger.rebuild(id, never, (snapshot) => gate.rebuild(snapshot));
      return events;
    },
  };
}

async function compare(connection: GateConnection, row: pg.QueryResultRow): Promise<ZoneInventory> {
  const { event_id: eventId, id: zoneId, name, capacity, available, held, sold, blocked, version } = row;
  const truth: Counted = { capacity, available, held, sold, blocked, version };
  const key = zoneKey(eventId, zoneId);
  const values = await connection.on(key, connectWaitMs, ({ redis }) => redis.hmget(key, ...counters));
  const known = values.some((value) => value !== null);
  const gate = known
    ? (Object.fromEntries(counters.map((key, i) => [key, Number(values[i])])) as never as Counted)
    : null;
  return {
    eventId,
    zoneId,
    name,
    truth,
    gate,
    agrees: gate !== null && counters.every((key) => gate[key] === truth[key]),
  };
}

/** Two looks: what differs in both, at the same version of the truth, is no batch on its way. */
async function disagreeing(status: Inventory['status']): Promise<readonly string[]> {
  const before = new Map((await status(null)).map((zone) => [zone.zoneId, zone]));
  const differs = (zone: ZoneInventory) =>
    zone.gate !== null &&
    !zone.agrees &&
    before.get(zone.zoneId)?.agrees === false &&
    before.get(zone.zoneId)?.truth.version === zone.truth.version;
  return [...new Set((await status(null)).filter(differs).map((zone) => zone.eventId))];
}
