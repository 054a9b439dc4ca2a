/**
 * Where a provider's notice is stored before it is acknowledged: the notice and the event that tells of it are one
 * statement and one commit, once per event id of the provider. Notices that arrive together share both.
 */
import type pg from 'pg';
import type { DomainEvent } from '../../engine/events.ts';
import type { PaymentNotice, ProviderName } from '../../engine/payment.ts';
import { ofTrace } from '../../engine/trace-context.ts';
import { moments, packets, texts } from './binary-arrays.ts';
import { gather } from './gather.ts';

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

/** Notices of one statement: not so many that their sagas go in step (journal.ts). */
const noticesMax = 64;

/** The outbox gets one row for all that is new, in the order of arrival. */
const storeSql = `
  with given as (
    select *, event is not null or kind = 'ignored' as told
    from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::timestamptz[], $6::text[])
      with ordinality as g(provider, id, kind, payload, received_at, event, number)
  ), stored as (
    insert into webhook_events (provider, provider_event_id, kind, payload, received_at, told)
    select provider, id, kind, payload, received_at, told from given order by provider, id
    on conflict (provider, provider_event_id) do update set told = true
      where not webhook_events.told and excluded.told
    returning provider, provider_event_id as id
  ), told as (
    insert into outbox (topic, events)
    select 'payment-events', '[' || string_agg(event, ',' order by number) || ']'
    from given join stored using (provider, id) where event is not null having count(*) > 0
  )
  select provider, id from stored`;

/** Notices that arrive together are stored together: one commit for all that wait. */
export function createWebhookInbox(pool: pg.Pool): StoreNotice {
  return gather(noticesMax, (batch: readonly StoredNotice[]) => storeTogether(pool, batch));
}

async function storeTogether(pool: pg.Pool, batch: readonly StoredNotice[]): Promise<readonly boolean[]> {
  // A statement cannot meet the same event twice: its copies of this batch come after it, one by one.
  const first = new Map<string, StoredNotice>();
  for (const stored of batch) if (!first.has(keyOf(stored))) first.set(keyOf(stored), stored);
  const isNew = await store(pool, [...first.values()]);
  const results: boolean[] = [];
  for (const stored of batch) {
    const isFirst = first.get(keyOf(stored)) === stored;
    const known = isFirst ? isNew : await store(pool, [stored]);
    results.push(known.has(keyOf(stored)));
  }
  return results;
}

const keyOf = ({ provider, notice }: StoredNotice) => `${provider} ${notice.providerEventId}`;

/** The keys of those that were not there before. */
async function store(pool: pg.Pool, batch: readonly StoredNotice[]): Promise<ReadonlySet<string>> {
  const values = [
    texts(batch.map(({ provider }) => provider)),
    texts(batch.map(({ notice }) => notice.providerEventId)),
    texts(batch.map(({ notice }) => notice.kind)),
    packets(batch.map(({ rawBody }) => rawBody)),
    moments(batch.map(({ receivedAtMs }) => receivedAtMs)),
    texts(batch.map((stored) => textOf(noticeEvent(stored)))),
  ];
  const { rows } = await pool.query({ name: 'store_notices', text: storeSql, values });
  return new Set(rows.map(({ provider, id }) => `${provider} ${id}`));
}

const textOf = (event: DomainEvent | null) => event && JSON.stringify(event);

const typeOfKind = { succeeded: 'payment.success', failed: 'payment.failed', cancelled: 'payment.cancelled' } as const;

/** Null for notices that concern no booking of ours: they are stored and not told. */
function noticeEvent({ provider, notice, receivedAtMs }: StoredNotice): DomainEvent | null {
  if (notice.kind === 'ignored' || !notice.bookingId) return null;
  const { kind, providerEventId, intentId, bookingId, eventId = null, amountMinor, currency, declineCode } = notice;
  return {
    id: `${provider}:${providerEventId}`,
    type: typeOfKind[kind],
    source: 'onsale',
    subject: bookingId,
    time: new Date(receivedAtMs).toISOString(),
    data: {
      event_id: eventId,
      provider,
      provider_event_id: providerEventId,
      intent_id: intentId,
      amount: amountMinor,
      currency,
      decline_code: declineCode,
    },
    ...ofTrace(notice.traceparent),
  };
}
