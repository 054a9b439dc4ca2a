/** Each promise broken by hand in real stores: the audit must turn red for that promise, for it alone, and say where. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { AuditReport } from './engine/audit.ts';
import { gateKey, holdsKey, usersKey, zoneKey } from './persistence/redis/keys.ts';
import { uuidBytes } from './persistence/redis/records.ts';
import { type AuditedSale, openSale } from './test/audited-sale.ts';
import { newId } from './test/contracts/event-sample.ts';

let sale: AuditedSale;
/** A sale for each test: what is broken stays broken. */
beforeEach(async () => {
  sale = await openSale();
  return () => sale.close();
});

const violated = (report: AuditReport) =>
  report.checks.filter((check) => check.violations > 0).map((check) => check.promise);

/** The one promise that is broken, and the sentences of its violations. */
async function brokenBy(tamper: () => Promise<unknown>): Promise<readonly [string[], string]> {
  await tamper();
  const report = await sale.audit();
  expect(report.clean).toBe(violated(report).length === 0);
  return [violated(report), report.findings.map((finding) => finding.sentence).join('\n')];
}

const sql = (text: string, values: unknown[] = []) => sale.database.query(text, values);

describe('a sale as it should be', () => {
  it('is clean, and every promise was looked at', async () => {
    const report = await sale.audit();
    expect(report.findings).toEqual([]);
    expect(report.notes).toEqual([]);
    expect(report.clean).toBe(true);
    for (const check of report.checks) expect(check.examined, check.promise).toBeGreaterThan(0);
  });

  it('is clean without a gate: a gate that is not built sells nothing', async () => {
    await sale.redis.del(gateKey(sale.eventId));
    await sale.redis.hset(zoneKey(sale.eventId, sale.zoneId), 'available', 1_000);
    expect(violated(await sale.audit())).toEqual([]);
  });

  it('says what it could not prove', async () => {
    const report = await sale.audit({ acked: [], readCharges: null });
    expect(report.clean).toBe(true);
    expect(report.notes).toEqual([expect.stringContaining('P2'), expect.stringContaining('P3')]);
  });

  it('rejects when the charges cannot be read: half an audit proves nothing', async () => {
    await sale.shop.sandbox.stop().catch(() => {});
    await expect(sale.audit()).rejects.toThrow();
    sale.shop.sandbox.stop = async () => {};
  });
});

describe('P1 is violated by', () => {
  it('a counter of the zone that its bookings do not bear out', async () => {
    const [promises, sentences] = await brokenBy(async () => {
      await sql('update zones set available = available - 1, held = held + 1');
      await sale.redis.hincrby(zoneKey(sale.eventId, sale.zoneId), 'available', -1);
      await sale.redis.hincrby(zoneKey(sale.eventId, sale.zoneId), 'held', 1);
    });
    expect(promises).toEqual(['P1']);
    expect(sentences).toBe(`zone A (${sale.zoneId}) counts 3 held seats, its reserved bookings have 2`);
  });

  it('more seats sold than there are, and counters that do not add up', async () => {
    const [promises, sentences] = await brokenBy(async () => {
      await sql('alter table zones drop constraint zones_conserved');
      await sql('update zones set capacity = 3');
      await sale.redis.hset(zoneKey(sale.eventId, sale.zoneId), 'capacity', 3);
    });
    expect(promises).toEqual(['P1']);
    expect(sentences).toContain('is oversold: 2 held + 2 sold of 3 seats');
    expect(sentences).toContain('is not conserved: 96 available + 2 held + 2 sold + 0 blocked is not 3');
    expect(sentences).toContain('in the gate is not conserved');
  });

  it('bookings of a zone that does not exist', async () => {
    const [promises, sentences] = await brokenBy(() => sql('delete from zones'));
    expect(promises).toEqual(['P1']);
    expect(sentences).toContain('does not exist, but bookings hold 2 and own 2 seats of it');
  });

  it.each([
    [
      'a seat too many in the gate',
      () => sale.redis.hincrby(zoneKey(sale.eventId, sale.zoneId), 'available', 1),
      '97 available',
    ],
    [
      'a hold that the gate lost',
      () => sale.redis.hdel(holdsKey(sale.eventId, sale.zoneId), uuidBytes(sale.reserved.bookingId)),
      'no hold in the gate',
    ],
    [
      'a hold that only the gate has',
      () => sale.redis.hset(holdsKey(sale.eventId, sale.zoneId), uuidBytes(sale.confirmed.bookingId), Buffer.alloc(24)),
      'which is not reserved',
    ],
    [
      'a hold that differs',
      () => sale.redis.hset(holdsKey(sale.eventId, sale.zoneId), uuidBytes(sale.reserved.bookingId), Buffer.alloc(24)),
      'is not as reserved booking',
    ],
    ['a zone that the gate lost', () => sale.redis.del(zoneKey(sale.eventId, sale.zoneId)), 'uneven'],
    [
      'an owner that the truth does not know',
      () => sale.redis.hset(zoneKey(sale.eventId, sale.zoneId), 'epoch', 99),
      'has owner 99',
    ],
    [
      'a gate at another version, though all is settled',
      () => sale.redis.hincrby(zoneKey(sale.eventId, sale.zoneId), 'version', 1),
      'uneven',
    ],
    [
      'a hold whose time ran out',
      () => sql(`update bookings set expires_at = now() - interval '1 minute' where status = 'reserved'`),
      'still holds seats',
    ],
  ])('%s', async (_what, tamper, sentence) => {
    const [promises, sentences] = await brokenBy(tamper);
    expect(promises).toEqual(['P1']);
    expect(sentences).toContain(sentence);
  });
  it('nothing, while the gate is ahead and sales go on', async () => {
    await sale.redis.hincrby(zoneKey(sale.eventId, sale.zoneId), 'version', 1);
    const report = await sale.audit({ settled: false });
    expect(violated(report)).toEqual([]);
    expect(report.notes).toEqual([expect.stringContaining('uneven')]);
  });
});

describe('P2 is violated by', () => {
  it('an acked booking that is not there', async () => {
    const bookingId = newId();
    const lost = { ...sale.acked[0], bookingId, key: null } as AuditedSale['acked'][number];
    const report = await sale.audit({ acked: [...sale.acked, lost] });
    expect(violated(report)).toEqual(['P2']);
    expect(report.findings[0]?.sentence).toBe(
      `booking ${bookingId} of user ${sale.reserved.userId} was acked as reserved and is not there`,
    );
  });

  it.each([
    ['another quantity', 0, { quantity: 3 }, 'was acked as 3 seats'],
    ['another user', 0, { userId: newId(), key: null }, 'but is 2 of'],
    ['another zone', 0, { zoneId: newId() }, 'but is 2 of'],
    ['a confirmation that did not stay', 0, { status: 'confirmed' }, 'was acked as confirmed, but is reserved'],
    ['a cancellation that did not stay', 1, { status: 'cancelled' }, 'was acked as cancelled, but is confirmed'],
  ] as const)('%s than was acked', async (_what, line, change, sentence) => {
    const acked = sale.acked.map((ack, i) => (i === line ? { ...ack, ...change } : ack));
    const report = await sale.audit({ acked });
    expect(violated(report)).toEqual(['P2']);
    expect(report.findings[0]?.sentence).toContain(sentence);
  });
  it('nothing, when a hold that was acked has since ended', async () => {
    await sale.batch([{ kind: 'cancel', bookingId: sale.reserved.bookingId }]);
    expect(violated(await sale.audit({ settled: false }))).toEqual([]);
  });
});

describe('P4 is violated by', () => {
  it('two bookings of one key', async () => {
    const twin = newId();
    const [promises, sentences] = await brokenBy(async () => {
      await sql('drop index bookings_once_per_key');
      await sql(
        `insert into bookings select event_id, $2::uuid, zone_id, user_id, idempotency_key, fingerprint, quantity,
                amount_minor, currency, status, created_at + interval '1 ms', expires_at, extended_from, changed_at
         from bookings where id = $1`,
        [sale.cancelled.bookingId, twin],
      );
      await sql(
        `insert into outbox (topic, events, published_at) select topic, replace(events, $1, $2), now() from outbox`,
        [sale.cancelled.bookingId, twin],
      );
      await keepOnly(twin);
    });
    expect(promises).toEqual(['P4']);
    expect(sentences).toBe(
      `one key of user ${sale.cancelled.userId} made 2 bookings of event ${sale.eventId}: ${sale.cancelled.bookingId}, ${twin}`,
    );
  });
  it('one key that was answered with two bookings', async () => {
    const [first, second] = sale.acked as [AuditedSale['acked'][number], AuditedSale['acked'][number]];
    await sql('update bookings set user_id = $1 where id = $2', [first.userId, second.bookingId]);
    const report = await sale.audit({ acked: [first, { ...second, userId: first.userId, key: first.key }] });
    expect(violated(report)).toContain('P4');
    expect(report.findings.map((finding) => finding.sentence).join()).toContain(
      `key ${first.key} of user ${first.userId} was answered with booking ${first.bookingId} and ${second.bookingId}`,
    );
  });

  /** Of the copied rows of the outbox, the events of the twin alone. */
  async function keepOnly(bookingId: string): Promise<void> {
    await sql(
      `update outbox o set events = (
         select jsonb_agg(e.value order by e.at) from jsonb_array_elements(o.events::jsonb) with ordinality e(value, at)
         where e.value->>'subject' = $1)::text
       where o.events like '%' || $1 || '%'`,
      [bookingId],
    );
  }
});

describe('P6 is violated by', () => {
  it('a user with more seats than the limit', async () => {
    const [promises, sentences] = await brokenBy(() => sql('update event_configs set max_per_user = 1'));
    expect(promises).toEqual(['P6']);
    expect(sentences).toContain(`user ${sale.reserved.userId} has 2 seats of event ${sale.eventId}, the limit is 1`);
  });
  it('a total of the gate that the bookings do not bear out', async () => {
    const field = uuidBytes(sale.confirmed.userId);
    const [promises, sentences] = await brokenBy(() => sale.redis.hset(usersKey(sale.eventId), field, 1));
    expect(promises).toEqual(['P6']);
    expect(sentences).toBe(`user ${sale.confirmed.userId} has 2 seats of event ${sale.eventId}, the gate counts 1`);
  });
});

it('a seat that was given back counts for its user until that is settled, and that is no violation of P6', async () => {
  const field = uuidBytes(sale.cancelled.userId);
  // The owner of this sale settles nothing, so the total still has what was cancelled.
  expect(await sale.redis.hget(usersKey(sale.eventId), field as unknown as string)).toBe('2');
  expect(violated(await sale.audit())).toEqual([]);
  await sale.redis.hdel(usersKey(sale.eventId), field);
  expect(violated(await sale.audit())).toEqual(['P6']);
});

describe('P7 is violated by', () => {
  it.each([
    [
      'a change that nobody was told of',
      `delete from outbox where seq = (select max(seq) from outbox)`,
      'was not told of as what it is',
    ],
    [
      'a booking that nobody was told of',
      `delete from outbox where seq = (select min(seq) from outbox)`,
      'was not told of as created first',
    ],
    [
      'events in the wrong order',
      `update outbox set seq = default where seq = (select min(seq) from outbox)`,
      'was not told of as created first',
    ],
    [
      'an event that was written twice',
      `insert into outbox (topic, events, published_at) select topic, events, now() from outbox order by seq desc limit 1`,
      'impossible or repeated',
    ],
    [
      'an id that does not follow from the event',
      `update outbox set events = replace(events, '"booking.created:', '"created:')`,
      'under an id',
    ],
    [
      'a notice that was written twice',
      `insert into outbox (topic, events, published_at) select 'payment-events', '[{"id":"n-1"}]', now() from generate_series(1, 2)`,
      'event n-1 stands in the outbox more than once',
    ],
    [
      'a row that waits, though all is settled',
      `update outbox set published_at = null where seq = (select max(seq) from outbox)`,
      '1 rows of the outbox wait',
    ],
    ['a ticket that was not issued', 'delete from tickets where number = 2', 'has 1 valid tickets'],
  ])('%s', async (_what, tamper, sentence) => {
    const [promises, sentences] = await brokenBy(() => sql(tamper));
    expect(promises).toEqual(['P7']);
    expect(sentences).toContain(sentence);
  });
  it('events of a booking that is not there', async () => {
    const ghost = newId();
    const [promises, sentences] = await brokenBy(() =>
      sql(
        `insert into outbox (topic, events, published_at)
         values ('booking-events', jsonb_build_array(jsonb_build_object(
           'id', 'booking.created:' || $1::text, 'type', 'booking.created', 'subject', $1::text,
           'data', jsonb_build_object('event_id', $2::text)))::text, now())`,
        [ghost, sale.eventId],
      ),
    );
    expect(promises).toEqual(['P7']);
    expect(sentences).toContain(`booking ${ghost} was told of, but is not there`);
  });
  it('nothing, when a dead letter is parked where an operator sees it', async () => {
    await sql(
      `insert into dead_letters (id, topic, key, consumer, event, error, attempts)
       values (gen_random_uuid(), 'booking-events', 'k', 'mail', '{}', 'no such mailbox', 6)`,
    );
    const report = await sale.audit();
    expect(violated(report)).toEqual([]);
    expect(report.notes).toEqual(['dead letter of mail, key k: no such mailbox']);
  });
});
