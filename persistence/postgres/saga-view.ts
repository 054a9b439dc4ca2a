/** Which sagas should be moving: the reconciler's view of saga_instances. */
import type pg from 'pg';
import type { SagaView } from '../../engine/ports.ts';

const unfinishedSql = `
  select booking_id from saga_instances
  where status in ('paying', 'running', 'compensating') and step <> 'await-payment'
    and updated_at < $1 and coalesce(wake_at, updated_at) < $1
  order by updated_at limit $2`;

const expiringSql = `
  select s.booking_id from saga_instances s
  join bookings b on b.event_id = s.event_id and b.id = s.booking_id
  where s.status = 'paying' and s.step = 'await-payment' and b.expires_at between $1::timestamptz - interval '1 hour' and $1
  order by b.expires_at limit $2`;

const inVainSql = `
  select s.booking_id, b.status from saga_instances s
  join bookings b on b.event_id = s.event_id and b.id = s.booking_id
  where s.status = 'paying' and s.step = 'await-payment' and (b.status = 'cancelled' or (b.status = 'expired' and b.expires_at < $1))
  order by s.updated_at limit $2`;

export function createSagaView(pool: pg.Pool): SagaView {
  const find = async (name: string, text: string, beforeMs: number, max: number) => {
    const { rows } = await pool.query<{ booking_id: string }>({
      name,
      text,
      values: [new Date(beforeMs).toISOString(), max],
    });
    return rows.map((row) => row.booking_id);
  };
  return {
    unfinished: (beforeMs, max) => find('sagas_unfinished', unfinishedSql, beforeMs, max),
    async waitingInVain(expiredBeforeMs, max) {
      const { rows } = await pool.query({
        name: 'sagas_in_vain',
        text: inVainSql,
        values: [new Date(expiredBeforeMs).toISOString(), max],
      });
      return rows.map((row) => ({ bookingId: row.booking_id, status: row.status }));
    },
    expiringUnpaid: (beforeMs, max) => find('sagas_expiring', expiringSql, beforeMs, max),
  };
}
