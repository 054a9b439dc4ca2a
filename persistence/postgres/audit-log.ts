/** The audit log: who changed what by more than a buyer's rights. Rows are only ever added; a partition holds a month. */
import type pg from 'pg';
import type { AuditLog } from '../../engine/operator.ts';

export function createAuditLog(pool: pg.Pool): AuditLog {
  return {
    async record({ actorId, action, subject, details }) {
      const text = `insert into audit_logs (id, actor_id, action, subject, details)
                    values (gen_random_uuid(), $1, $2, $3, $4)`;
      await pool.query({ name: 'record_privileged_act', text, values: [actorId, action, subject, details] });
    },
  };
}

/** More than the time between two starts of a node; rows of later months go to the default partition. */
const monthsAhead = 12;

/** Makes the partitions of this month and those after it. Whoever calls sees to it that nobody else does. */
export async function makeAuditPartitions(client: pg.ClientBase, nowMs: number): Promise<void> {
  const now = new Date(nowMs);
  const startOf = (month: number) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + month));
  for (let month = 0; month <= monthsAhead; month++) {
    const [from, to] = [startOf(month), startOf(month + 1)].map((start) => start.toISOString());
    const name = `audit_logs_${from?.slice(0, 7).replace('-', '_')}`;
    // PostgreSQL refuses a partition whose rows are in the default one already: those stay there.
    const { rows } = await client.query(
      `select from audit_logs_rest where at >= $1 and at < $2
       union all select from pg_class where relname = $3 limit 1`,
      [from, to, name],
    );
    if (rows.length > 0) continue;
    await client.query(`create table ${name} partition of audit_logs for values from ('${from}') to ('${to}')`);
  }
}
