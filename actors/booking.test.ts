/** The saga actor when all goes well, and when buyers, cards and holds are as they are. */
import { describe, expect, it } from 'vitest';
import type { IntentNews } from '../engine/saga-decisions.ts';
import { SagaStage, startMs } from '../test/sim/saga-stage.ts';
import { look, pay, settle, tell } from './booking-requests.ts';

const pays = (stage: SagaStage) => pay(stage.deps, stage.actor, { booking: stage.booking, provider: 'stripe' });
const settles = (stage: SagaStage) => settle(stage.deps, stage.actor, stage.booking);
const told = (stage: SagaStage, change: Partial<IntentNews> = {}) =>
  tell(stage.deps, stage.actor, {
    ...{ kind: 'succeeded', intentId: 'pi_1', amountMinor: 300_000, currency: 'THB' },
    ...change,
  } as IntentNews);
const declined = (providerEventId: string): Partial<IntentNews> => ({
  ...{ kind: 'failed', declineCode: 'lost_card', providerEventId },
});

/** With a live payment. */
async function paying(stage = new SagaStage()): Promise<SagaStage> {
  const answer = await stage.after(1_000, pays(stage));
  expect(answer).toMatchObject({ ok: true });
  return stage;
}

const refused = (code: string) => ({ ok: false, rejection: { code } });

describe('asked for a payment', () => {
  it('opens one intent, however often and by however many it is asked', async () => {
    const stage = new SagaStage();
    const answers = Promise.all(Array.from({ length: 20 }, () => pays(stage)));
    const first = await stage.after(1_000, answers);
    const again = await stage.after(1_000, pays(stage));
    expect(new Set([...(first ?? []), again].map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(again).toMatchObject({ ok: true, value: { clientSecret: 'pi_1_secret', amountMinor: 300_000 } });
    expect(stage.times('intent')).toBe(1);
  });

  it('extends a hold that ends within the grace, before the intent is opened', async () => {
    const stage = await paying(new SagaStage({ expiresAtMs: startMs + 5_000, firstExpiresAtMs: startMs + 5_000 }));
    expect(stage.done).toEqual(['extend', 'intent']);
    expect(stage.booking.expiresAtMs).toBeGreaterThanOrEqual(startMs + 120_000);
  });

  it('hands out none whose hold has ended while the provider was slow', async () => {
    // It was extended before, so it is not extended again.
    const stage = new SagaStage({ expiresAtMs: startMs + 50, firstExpiresAtMs: startMs + 20 });
    stage.fail('openIntent', 'undone');
    expect(await stage.after(1_000, pays(stage))).toMatchObject(refused('RESERVATION_EXPIRED'));
    expect(stage.times('intent')).toBe(1);
  });

  it('opens none when the hold is gone by then', async () => {
    const stage = new SagaStage({ expiresAtMs: startMs + 5_000, firstExpiresAtMs: startMs + 5_000 });
    const asked = pays(stage);
    stage.booking = { ...stage.booking, status: 'expired' };
    expect(await stage.after(1_000, asked)).toMatchObject(refused('RESERVATION_EXPIRED'));
    expect(stage.times('intent')).toBe(0);
  });

  it.each([
    [{ status: 'expired' as const }, 'RESERVATION_EXPIRED'],
    [{ expiresAtMs: startMs }, 'RESERVATION_EXPIRED'],
    [{ status: 'cancelled' as const }, 'INVALID_STATE'],
    [{ amountMinor: 0 }, 'INVALID_STATE'],
  ])('refuses a booking that is %o, before a payment was begun and after', async (change, code) => {
    const fresh = new SagaStage(change);
    expect(await fresh.after(1_000, pays(fresh))).toMatchObject(refused(code));
    const begun = await paying();
    begun.booking = { ...begun.booking, ...change };
    expect(await begun.after(1_000, pays(begun))).toMatchObject(refused(code));
    expect(begun.times('intent')).toBe(1);
  });

  it('takes the provider’s refusal for an answer, and tries under another key when it is asked again', async () => {
    const stage = new SagaStage();
    stage.fail('openIntent', 'refused');
    const notNow = { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 1 };
    expect(await stage.after(1_000, pays(stage))).toMatchObject({ ok: false, rejection: notNow });
    await paying(stage);
    expect([...stage.keys.keys()]).toEqual([`booking:${stage.booking.bookingId}:intent:2`]);
  });
});

describe('told of a payment', () => {
  it('confirms, issues a ticket a seat, tells the buyer, and does each once', async () => {
    const stage = await paying();
    stage.payIntent();
    const answers = await stage.after(1_000, Promise.all([told(stage), told(stage), told(stage)]));
    expect(answers).toEqual(Array(3).fill({ ok: true, value: null }));
    expect(stage.booking.status).toBe('confirmed');
    expect(stage.story.slice(2)).toEqual(['payment-succeeded', 'booking-confirmed', 'tickets-issued', 'notified']);
    const issued = stage.events.find((event) => event.type === 'tickets-issued');
    expect(new Set(issued?.codes)).toHaveLength(2);
    expect(issued?.codes.every((code) => /^[0-9a-f]{32}$/.test(code))).toBe(true);
    expect(await stage.after(1_000, pays(stage))).toMatchObject(refused('INVALID_STATE'));
  });

  it('writes money and ticket down in one record, and says so when it is written', async () => {
    const stage = await paying();
    stage.payIntent();
    const before = stage.journal.records.length;
    const asked = told(stage);
    // The zone has confirmed, and nothing is written yet.
    expect(await stage.after(12, asked)).toBeUndefined();
    expect([stage.booking.status, stage.journal.records.length]).toEqual(['confirmed', before]);
    expect(await stage.after(1_000, asked)).toMatchObject({ ok: true });
    expect(stage.journal.records.length).toBe(before + 1);
  });

  it('writes the money down first when anything else comes while its zone is asked', async () => {
    const stage = await paying();
    stage.payIntent();
    stage.fail('confirm', 'hangs');
    const asked = told(stage);
    expect(await stage.after(1_000, asked)).toBeUndefined();
    expect(stage.story.at(-1)).toBe('intent-opened');
    expect(await stage.after(1_000, pays(stage))).toMatchObject(refused('INVALID_STATE'));
    expect(await stage.after(0, asked)).toMatchObject({ ok: true });
    expect(stage.story.at(-1)).toBe('payment-succeeded');
    await stage.after(120_000);
    expect([stage.booking.status, stage.times('confirm')]).toEqual(['confirmed', 1]);
    expect(stage.story.filter((type) => type === 'payment-succeeded')).toHaveLength(1);
  });

  it('that failed keeps waiting, and counts each attempt once', async () => {
    const stage = await paying();
    for (const id of ['one', 'one', 'two', 'one']) await stage.after(100, told(stage, declined(id)));
    expect(stage.story.slice(2)).toEqual(['payment-failed', 'payment-failed']);
    stage.payIntent();
    await stage.after(1_000, told(stage));
    expect(stage.booking.status).toBe('confirmed');
  });

  it('whose intent it has not heard of itself asks for another try; of one that is none of its own it does not', async () => {
    const stage = new SagaStage();
    const asked = pays(stage);
    expect(await stage.after(20, told(stage))).toMatchObject(refused('SERVICE_UNAVAILABLE'));
    await stage.after(1_000, asked);
    expect(await stage.after(100, told(stage, { intentId: 'pi_other' }))).toMatchObject(refused('INVALID_STATE'));
    expect(await stage.after(1_000, told(stage))).toMatchObject({ ok: true });
  });

  it('of a booking that never asked for one refuses it, and keeps nothing', async () => {
    const stage = new SagaStage();
    expect(await stage.after(100, told(stage))).toMatchObject(refused('INVALID_STATE'));
    expect(stage.journal.records).toEqual([]);
  });
});

describe('told of another amount', () => {
  it('believes the provider, not the notice: nothing was paid', async () => {
    const stage = await paying();
    expect(await stage.after(1_000, told(stage, { amountMinor: 1 }))).toMatchObject(refused('INVALID_STATE'));
    expect([stage.booking.status, stage.times('refund')]).toEqual(['reserved', 0]);
  });

  it('believes the provider, not the notice: all was paid', async () => {
    const stage = await paying();
    stage.payIntent();
    await stage.after(1_000, told(stage, { currency: 'USD' }));
    expect([stage.booking.status, stage.times('refund')]).toEqual(['confirmed', 0]);
  });

  it('returns all that was really taken, when that is not what the booking costs', async () => {
    const stage = await paying();
    stage.payIntent(299_999);
    await stage.after(1_000, told(stage, { amountMinor: 7 }));
    expect(stage.booking.status).toBe('reserved');
    expect(stage.intent).toMatchObject({ refundedMinor: 299_999 });
    expect(stage.events.find(({ type }) => type === 'refund-settled')).toMatchObject({ reason: 'amount_mismatch' });
  });
});

describe('paid when the hold is gone', () => {
  const paidLate = async (status: 'expired' | 'cancelled', seatsAreFree: boolean) => {
    const stage = await paying();
    stage.booking = { ...stage.booking, status };
    stage.seatsAreFree = seatsAreFree;
    stage.payIntent();
    await stage.after(1_000, told(stage));
    return stage;
  };

  it('takes the seats again', async () => {
    const { booking, done } = await paidLate('expired', true);
    expect([booking.status, done]).toEqual(['confirmed', ['intent', 'reacquire']]);
  });

  it('returns the money when there are none', async () => {
    const { booking, done, events } = await paidLate('expired', false);
    expect([booking.status, done]).toEqual(['refunded', ['intent', 'refund', 'write-off']]);
    expect(events.find(({ type }) => type === 'refund-settled')).toMatchObject({ reason: 'sold_out' });
  });

  it('returns the money to who gave the seats back, although there are some', async () => {
    const { booking, done, events } = await paidLate('cancelled', true);
    expect([booking.status, done]).toEqual(['refunded', ['intent', 'refund', 'write-off']]);
    expect(events.find(({ type }) => type === 'refund-settled')).toMatchObject({ reason: 'booking_cancelled' });
  });
});

describe('asked to settle', () => {
  it('looks at the provider, and answers when the tickets are there', async () => {
    const stage = await paying();
    stage.payIntent();
    expect(await stage.after(1_000, settles(stage))).toEqual({ ok: true, value: null });
    expect(stage.story).toContain('tickets-issued');
    expect(await stage.after(1_000, settles(stage))).toEqual({ ok: true, value: null });
  });

  it('says why the card did not pay, by the provider’s word', async () => {
    const stage = await paying();
    expect(await stage.after(1_000, settles(stage))).toMatchObject(refused('INVALID_STATE'));
    stage.intent = stage.intent && { ...stage.intent, declineCode: 'expired_card' };
    const answer = await stage.after(1_000, settles(stage));
    expect(answer).toMatchObject({ rejection: { code: 'PAYMENT_FAILED', details: { decline_code: 'expired_card' } } });
  });

  it('does not know when the provider does not answer', async () => {
    const stage = await paying();
    stage.fail('readIntent', 'undone');
    expect(await stage.after(1_000, settles(stage))).toMatchObject(refused('SERVICE_UNAVAILABLE'));
  });

  it('has nothing to settle when no payment was begun', async () => {
    const stage = new SagaStage();
    expect(await stage.after(1_000, settles(stage))).toMatchObject(refused('INVALID_STATE'));
    expect(stage.journal.records).toEqual([]);
  });

  it('confirms what costs nothing, once', async () => {
    const stage = new SagaStage({ amountMinor: 0 });
    const answers = await stage.after(1_000, Promise.all([settles(stage), settles(stage)]));
    expect(answers).toEqual(Array(2).fill({ ok: true, value: null }));
    expect(stage.done).toEqual(['confirm']);
  });

  it('leaves what costs nothing unconfirmed when its hold is gone', async () => {
    const stage = new SagaStage({ amountMinor: 0 });
    const asked = settles(stage);
    stage.booking = { ...stage.booking, status: 'cancelled' };
    expect(await stage.after(1_000, asked)).toMatchObject(refused('INVALID_STATE'));
    expect([stage.done, stage.story]).toEqual([[], ['free-requested', 'hold-gone']]);
    await stage.after(100_000);
    expect(stage.done).toEqual([]);
  });
});

it('has to look only while it waits for a payment', async () => {
  const stage = new SagaStage();
  look(stage.actor);
  await stage.after(1_000);
  await paying(stage);
  stage.payIntent();
  look(stage.actor);
  look(stage.actor);
  await stage.after(1_000);
  expect(stage.booking.status).toBe('confirmed');
});

it('is at rest when it waits for nothing but a payment, or is done', async () => {
  const stage = new SagaStage();
  const asked = pays(stage);
  await stage.after(20);
  expect(stage.actor.isAtRest()).toBe(false);
  await stage.after(1_000, asked);
  expect(stage.actor.isAtRest()).toBe(true);
  stage.payIntent();
  const settled = settles(stage);
  await stage.after(20);
  expect(stage.actor.isAtRest()).toBe(false);
  await stage.after(1_000, settled);
  expect(stage.actor.isAtRest()).toBe(true);
});
