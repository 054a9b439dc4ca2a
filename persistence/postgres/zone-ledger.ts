/** The truth of zones and bookings: take-overs, looks, and the batches, which go by the lane of their zone. */
import type pg from 'pg';
import type { Booking } from '../../engine/booking.ts';
import type { Acquired, CommitBatch, ZoneLedger } from '../../engine/ports.ts';
import { uuids } from './binary-arrays.ts';
import { type BookingRow, bookingColumns, readBooking } from './bookings.ts';
import { gather } from './gather.ts';
import type { Lane } from './lane.ts';
import { rebuildEvent } from './rebuild.ts';
import { shareCommits } from './shared-commits.ts';

/**
 * `commitLanes`: all batches of an event go by one of them, so that its zones can share commits; events are spread over
 * them. `lane`: for everything else.
 */
export function createZoneLedger(options: {
  readonly commitLanes: readonly Lane[];
  readonly lane: Lane;
  readonly databaseUrl: string;
  /** Of one step of a rebuild (rebuild.ts). @default 20000 */
  readonly rebuildStepTimeoutMs?: number;
}): ZoneLedger {
  const { lane, databaseUrl } = options;
  const rebuildOptions = { databaseUrl, stepTimeoutMs: options.rebuildStepTimeoutMs ?? 20_000 };
  const commits = options.commitLanes.map(shareCommits);
  const commit = (batch: CommitBatch) => {
    const byLane = commits[Number.parseInt(batch.lease.eventId.slice(-4), 16) % commits.length];
    if (!byLane) throw new Error('a ledger needs a lane for its batches');
    return byLane(batch);
  };
  const find = gather(findsMax, (wanted: readonly Wanted[]) => findTogether(lane, wanted));
  return {
    acquire: (zoneId) => acquire(lane, zoneId),
    commit,
    async usedKeys({ eventId, zoneId }) {
      const { rows } = await lane.query<{ prefix: string }>({
        name: 'used_keys',
        text: usedKeysSql,
        values: [eventId, zoneId],
      });
      return rows.map((row) => Number(row.prefix));
    },
    async findByKeys(eventId, uses) {
      const values = [eventId, uses.map((use) => use.userId), uses.map((use) => use.key)];
      const { rows } = await lane.query<KeyedRow>({ name: 'bookings_by_keys', text: findByKeysSql, values });
      return rows.map((row) => ({ ...readBooking(row), key: row.key, fingerprint: row.fingerprint }));
    },
    find: (eventId, bookingId) => find({ eventId, bookingId }),
    rebuild: (eventId, isBuilt, load) => rebuildEvent(rebuildOptions, eventId, isBuilt, load),
  };
}

interface KeyedRow extends BookingRow {
  readonly key: string;
  readonly fingerprint: string;
}

/** Bookings of one look: sagas that move together look together. */
const findsMax = 256;

interface Wanted {
  readonly eventId: string;
  readonly bookingId: string;
}

/** Lateral, so that however little the planner knows of the table, each booking costs one look into its index. */
const findSql = `
  select w.number, b.*
  from unnest($1::uuid[], $2::uuid[]) with ordinality as w(event_id, id, number),
       lateral (select ${bookingColumns} from bookings b where b.event_id = w.event_id and b.id = w.id offset 0) b`;

async function findTogether(lane: Lane, wanted: readonly Wanted[]): Promise<readonly (Booking | null)[]> {
  const { rows } = await lane.query<BookingRow & { readonly number: string }>({
    name: 'bookings_by_id',
    text: findSql,
    values: [uuids(wanted.map(({ eventId }) => eventId)), uuids(wanted.map(({ bookingId }) => bookingId))],
  });
  const found = new Map(rows.map((row) => [Number(row.number), readBooking(row)]));
  return wanted.map((_, index) => found.get(index + 1) ?? null);
}

const findByKeysSql = `
  select ${bookingColumns}, encode(b.idempotency_key, 'hex') as key, encode(b.fingerprint, 'hex') as fingerprint
  from unnest($2::uuid[], $3::text[]) as u(user_id, key)
  join bookings b on b.user_id = u.user_id and b.event_id = $1 and b.idempotency_key = decode(u.key, 'hex')`;

const usedKeysSql = `
  select (get_byte(idempotency_key, 0)::bigint << 24) + (get_byte(idempotency_key, 1) << 16)
       + (get_byte(idempotency_key, 2) << 8) + get_byte(idempotency_key, 3) as prefix
  from bookings where event_id = $1 and zone_id = $2`;

const acquireSql = `
  update zones z set owner_epoch = z.owner_epoch + 1
  from event_configs c
  where z.id = $1 and c.event_id = z.event_id
  returning z.event_id, z.owner_epoch, z.gate_generation, z.version, z.price_minor, z.currency, c.max_per_user`;

async function acquire(lane: Lane, zoneId: string): Promise<Acquired | null> {
  const { rows } = await lane.query({ name: 'acquire_zone', text: acquireSql, values: [zoneId] });
  const row = rows[0];
  if (!row) return null;
  const epoch = Number(row.owner_epoch);
  return {
    lease: { eventId: row.event_id, zoneId, epoch, generation: Number(row.gate_generation) },
    version: Number(row.version),
    previousEpoch: epoch - 1,
    terms: { priceMinor: Number(row.price_minor), currency: row.currency, maxPerUser: row.max_per_user },
  };
}

/** Zones whose holds will run out, so that somebody must own them. */
export async function zonesWithHolds(pool: pg.Pool): Promise<readonly string[]> {
  const { rows } = await pool.query<{ id: string }>('select id from zones where held > 0 order by id');
  return rows.map((row) => row.id);
}
