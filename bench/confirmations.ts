/**
 * What became of webhooks, read from the rows when the load is over, so that looking costs the server nothing meanwhile.
 * A booking counts as confirmed when its tickets were decided on: that is after its confirmation was durable in its zone,
 * so the figure is never flattering.
 */
import { build } from 'hdr-histogram-js';
import { noticePrefix, type Paid, readNoticeId } from './drivers/webhook.ts';
import { withPostgres } from './stores.ts';

export interface Confirmation {
  readonly bookingId: string;
  readonly dueAtMs: number;
  readonly confirmedAtMs: number;
}

export async function readConfirmations(
  databaseUrl: string,
  { eventId, runId, paid }: { readonly eventId: string; readonly runId: string; readonly paid: readonly Paid[] },
): Promise<readonly Confirmation[]> {
  return withPostgres(databaseUrl, async (client) => {
    const notices = await client.query<{ id: string }>(
      'select provider_event_id as id from webhook_events where starts_with(provider_event_id, $1)',
      [noticePrefix(runId)],
    );
    const tickets = await client.query<{ booking_id: string; at_ms: string }>(
      'select booking_id, extract(epoch from issued_at) * 1000 as at_ms from tickets where event_id = $1',
      [eventId],
    );
    const confirmed = new Map(tickets.rows.map((row) => [row.booking_id, Number(row.at_ms)]));
    return notices.rows.flatMap(({ id }) => {
      const { n, dueAtMs } = readNoticeId(id);
      const bookingId = paid[n % paid.length]?.bookingId ?? '';
      const confirmedAtMs = confirmed.get(bookingId);
      return confirmedAtMs === undefined ? [] : [{ bookingId, dueAtMs, confirmedAtMs }];
    });
  });
}

export interface ConfirmationFigures {
  readonly perSecond: number;
  readonly slowestSecond: number;
  readonly latencyMs: Readonly<Record<'p50' | 'p99' | 'p999' | 'max', number>>;
  readonly drainMs: number;
}

/** Rates count what was confirmed in the measured time, latencies what was due in it. */
export function confirmationsOf(
  rows: readonly Confirmation[],
  warmUpSeconds: number,
  measuredSeconds: number,
): ConfirmationFigures {
  const startMs = rows.reduce((first, { dueAtMs }) => Math.min(first, dueAtMs), Number.POSITIVE_INFINITY);
  const fromMs = startMs + warmUpSeconds * 1_000;
  const endMs = fromMs + measuredSeconds * 1_000;
  const latencies = build({ highestTrackableValue: 600_000, numberOfSignificantValueDigits: 3 });
  const seconds = new Array<number>(measuredSeconds).fill(0);
  let [lastDueMs, lastConfirmedMs] = [0, 0];
  for (const { dueAtMs, confirmedAtMs } of rows) {
    if (dueAtMs >= fromMs) latencies.recordValue(Math.max(1, confirmedAtMs - dueAtMs));
    const second = Math.floor((confirmedAtMs - fromMs) / 1_000);
    if (confirmedAtMs >= fromMs && confirmedAtMs < endMs) seconds[second] = (seconds[second] ?? 0) + 1;
    lastDueMs = Math.max(lastDueMs, dueAtMs);
    lastConfirmedMs = Math.max(lastConfirmedMs, confirmedAtMs);
  }
  const at = (percentile: number) => (rows.length === 0 ? 0 : latencies.getValueAtPercentile(percentile));
  return {
    perSecond: seconds.reduce((sum, count) => sum + count, 0) / Math.max(1, measuredSeconds),
    slowestSecond: Math.min(...seconds),
    latencyMs: { p50: at(50), p99: at(99), p999: at(99.9), max: latencies.maxValue },
    drainMs: Math.max(0, lastConfirmedMs - lastDueMs),
  };
}
