/**
 * Where a provider's notice is stored before it is acknowledged: the notice and the event that tells of it are one
 * statement and one commit, once per event id of the provider.
 */
import type pg from 'pg';
import type { DomainEvent } from '../../engine/events.ts';
import type { PaymentNotice, ProviderName } from '../../engine/payment.ts';

export interface StoredNotice {
  readonly provider: ProviderName;
  readonly notice: PaymentNotice;
  readonly rawBody: Uint8Array;
  readonly receivedAtMs: number;
}

/**
 * Durable when it resolves. False when this event of the provider was stored before. One that was stored when nobody knew
 * its booking is told when it comes again and somebody does.
 */
export type StoreNotice = (stored: StoredNotice) => Promise<boolean>;

const storeSql = `
  with stored as (
    insert into webhook_events (provider, provider_event_id, kind, payload, received_at, told)
    values ($1, $2, $3, $4, $5, $7)
    on conflict (provider, provider_event_id) do update set told = true
      where not webhook_events.told and excluded.told
    returning 1
  ), told as (
    insert into outbox (topic, events) select 'payment-events', $6 from stored where $6::text is not null
  )
  select count(*)::int as stored from stored`;

export function createWebhookInbox(pool: pg.Pool): StoreNotice {
  return async (stored) => {
    const { provider, notice, rawBody, receivedAtMs } = stored;
    const event = noticeEvent(stored);
    const values = [
      provider,
      notice.providerEventId,
      notice.kind,
      Buffer.from(rawBody),
      new Date(receivedAtMs).toISOString(),
      event && JSON.stringify([event]),
      event !== null || notice.kind === 'ignored',
    ];
    const { rows } = await pool.query({ name: 'store_notice', text: storeSql, values });
    return rows[0].stored === 1;
  };
}

const typeOfKind = { succeeded: 'payment.success', failed: 'payment.failed', cancelled: 'payment.cancelled' } as const;

/** Null for notices that concern no booking of ours: they are stored and not told. */
function noticeEvent({ provider, notice, receivedAtMs }: StoredNotice): DomainEvent | null {
  if (notice.kind === 'ignored' || !notice.bookingId) return null;
  const { kind, providerEventId, intentId, bookingId, amountMinor, currency, declineCode } = notice;
  return {
    id: `${provider}:${providerEventId}`,
    type: typeOfKind[kind],
    source: 'onsale',
    subject: bookingId,
    time: new Date(receivedAtMs).toISOString(),
    data: {
      provider,
      provider_event_id: providerEventId,
      intent_id: intentId,
      amount: amountMinor,
      currency,
      decline_code: declineCode,
    },
  };
}
