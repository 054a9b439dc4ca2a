/** The saga actor when answers get lost, stores are away and processes die: every effect once, nothing given up. */
import { describe, expect, it } from 'vitest';
import { SagaStage } from '../test/sim/saga-stage.ts';
import { look, pay, tell } from './booking-requests.ts';

const pays = (stage: SagaStage) => pay(stage.deps, stage.actor, { booking: stage.booking, provider: 'stripe' });
const told = (stage: SagaStage) =>
  tell(stage.deps, stage.actor, { kind: 'succeeded', intentId: 'pi_1', amountMinor: 300_000, currency: 'THB' });

async function paying(stage = new SagaStage()): Promise<SagaStage> {
  expect(await stage.after(1_000, pays(stage))).toMatchObject({ ok: true });
  return stage;
}

/** Paid, and the hold gone, with no seats left: the money has to go back. */
async function refunding(): Promise<SagaStage> {
  const stage = await paying();
  stage.booking = { ...stage.booking, status: 'expired' };
  stage.seatsAreFree = false;
  stage.payIntent();
  return stage;
}

const dayMs = 86_400_000;
const refused = (code: string) => ({ ok: false, rejection: { code } });
const many = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);

describe('opening an intent', () => {
  it('whose answers get lost opens one, under one key', async () => {
    const stage = new SagaStage();
    stage.fail('openIntent', 'lost', 'lost', 'lost');
    expect(await stage.after(5_000, pays(stage))).toMatchObject({ ok: true, value: { clientSecret: 'pi_1_secret' } });
    expect([stage.times('intent'), stage.keys.size]).toEqual([1, 1]);
  });

  it('that fails four times is given up where an operator sees it; the buyer may ask again', async () => {
    const stage = new SagaStage();
    stage.fail('openIntent', ...many(4, 'undone' as const));
    expect(await stage.after(9_000, pays(stage))).toMatchObject(refused('SERVICE_UNAVAILABLE'));
    expect(stage.events.at(-1)).toMatchObject({ type: 'step-skipped', step: 'open-intent' });
    await paying(stage);
    expect(stage.times('intent')).toBe(1);
  });

  it('that never ends answers the buyer in time, and goes on when the process is started again', async () => {
    const stage = new SagaStage();
    stage.fail('openIntent', 'hangs');
    expect(await stage.after(10_000, pays(stage))).toMatchObject(refused('SERVICE_UNAVAILABLE'));
    stage.restart();
    await paying(stage);
    expect(stage.times('intent')).toBe(1);
  });
});

describe('confirming', () => {
  it.each(['lost', 'undone'] as const)('is done once though the zone’s answers were %s', async (fault) => {
    const stage = await paying();
    stage.payIntent();
    stage.fail('confirm', fault, fault);
    await stage.after(5_000, told(stage));
    expect(stage.booking.status).toBe('confirmed');
    expect(stage.times('confirm')).toBe(1);
    expect(stage.story.filter((type) => type === 'booking-confirmed')).toHaveLength(1);
  });

  it('whose zone does not answer has the money written down, and goes on', async () => {
    const stage = await paying();
    stage.payIntent();
    stage.fail('confirm', 'undone');
    expect(await stage.after(100, told(stage))).toMatchObject({ ok: true });
    expect(stage.story.slice(-2)).toEqual(['payment-succeeded', 'step-failed']);
    await stage.after(5_000);
    expect([stage.booking.status, stage.story.at(-1)]).toEqual(['confirmed', 'notified']);
  });

  it('after which the process dies, and no notice comes again, is found when the provider is asked', async () => {
    const stage = await paying();
    stage.payIntent();
    stage.dieAfter = stage.effects + 1;
    await stage.after(1_000, told(stage));
    expect([stage.booking.status, stage.story.at(-1)]).toEqual(['confirmed', 'intent-opened']);
    look(stage.actor);
    await stage.after(1_000);
    expect([stage.times('confirm'), stage.story.at(-1)]).toEqual([1, 'notified']);
  });

  it('is tried until it is known, however long that takes, and reported as stuck', async () => {
    const stage = await paying();
    stage.payIntent();
    stage.fail('confirm', ...many(20, 'undone' as const));
    await stage.after(1_000, told(stage));
    expect(stage.stuck).toEqual([]);
    await stage.after(600_000);
    expect(stage.booking.status).toBe('confirmed');
    expect(new Set(stage.stuck)).toEqual(new Set(['confirm-booking']));
    expect(stage.story.at(-1)).toBe('notified');
  });

  it('that the zone knows nothing of, though the truth has the hold, is asked again', async () => {
    const stage = await paying();
    stage.payIntent();
    const { booking } = stage;
    stage.booking = { ...booking, status: 'confirmed' };
    // The gate is being rebuilt: the zone says that there is no such hold, the truth that there is.
    const reads = [booking, booking, booking];
    stage.deps.bookings.find = async () => reads.shift() ?? stage.booking;
    await stage.after(5_000, told(stage));
    expect(stage.story).toContain('step-failed');
    expect(stage.story.at(-1)).toBe('notified');
  });
});

describe('returning money', () => {
  it.each(['lost', 'undone'] as const)('is done once though the provider’s answers were %s', async (fault) => {
    const stage = await refunding();
    stage.fail('refund', ...many(10, fault));
    await stage.after(600_000, told(stage));
    expect([stage.booking.status, stage.times('refund')]).toEqual(['refunded', 1]);
    expect(stage.stuck).toContain('refund');
  });

  it('that goes on after the provider forgot its keys finds it done', async () => {
    const stage = await refunding();
    stage.fail('refund', 'lost');
    await stage.after(200, told(stage));
    stage.restart();
    stage.fail('journal.read', ...many(8, 'undone' as const));
    stage.keys.clear();
    await stage.after(2 * dayMs);
    expect([stage.booking.status, stage.times('refund')]).toEqual(['refunded', 1]);
    expect(stage.intent).toMatchObject({ refundedMinor: 300_000 });
  });

  it('that the provider refuses is never taken for done', async () => {
    const stage = await refunding();
    stage.fail('refund', ...many(5, 'refused' as const));
    await stage.after(1_000, told(stage));
    expect([stage.booking.status, stage.story.includes('refund-settled')]).toEqual(['expired', false]);
    await stage.after(600_000);
    expect([stage.booking.status, stage.times('refund')]).toEqual(['refunded', 1]);
  });
});

describe('a journal that', () => {
  it.each(['lost', 'undone'] as const)(
    'fails to answer (%s) makes the actor start again from what is there',
    async (fault) => {
      const stage = await paying();
      stage.payIntent();
      stage.fail('journal.append', fault);
      expect(await stage.after(50, told(stage))).toMatchObject(refused('SERVICE_UNAVAILABLE'));
      // The relay brings it again.
      await stage.after(5_000, told(stage));
      expect(stage.booking.status).toBe('confirmed');
      expect(stage.story.filter((type) => type === 'payment-succeeded')).toHaveLength(1);
      expect(stage.times('confirm')).toBe(1);
    },
  );

  it('cannot be read lets nothing be decided on an empty state: no second intent', async () => {
    const stage = await paying();
    stage.fail('journal.read', ...many(3, 'undone' as const));
    stage.restart();
    const answer = await stage.after(5_000, pays(stage));
    expect(answer).toMatchObject({ ok: true, value: { clientSecret: 'pi_1_secret' } });
    expect([stage.crashes.length, stage.times('intent')]).toEqual([3, 1]);
  });
});

describe('a process that dies', () => {
  /** At each moment of a sale that takes about 300 ms. */
  const moments = Array.from({ length: 40 }, (_, i) => i * 8);

  it.each(moments)(
    '%i ms after the buyer asked to pay, and again after the card paid: one intent, one sale',
    async (ms) => {
      const stage = new SagaStage();
      void pays(stage);
      await stage.after(ms);
      stage.restart();
      const answer = await stage.after(5_000, pays(stage));
      expect(answer).toMatchObject({ ok: true, value: { clientSecret: 'pi_1_secret' } });
      stage.payIntent();
      void told(stage);
      await stage.after(ms);
      stage.restart();
      await stage.after(5_000, told(stage));
      expect(stage.booking.status).toBe('confirmed');
      expect([stage.times('intent'), stage.times('confirm')]).toEqual([1, 1]);
      for (const once of ['payment-succeeded', 'booking-confirmed', 'tickets-issued'])
        expect(stage.story.filter((type) => type === once)).toEqual([once]);
    },
  );

  it.each(moments)('%i ms after money came too late: it goes back once', async (ms) => {
    const stage = await refunding();
    void told(stage);
    await stage.after(ms);
    stage.restart();
    await stage.after(5_000, told(stage));
    expect([stage.booking.status, stage.times('refund')]).toEqual(['refunded', 1]);
    expect(stage.intent).toMatchObject({ refundedMinor: 300_000 });
  });

  it('and a webhook that is lost: a look finds the payment', async () => {
    const stage = await paying();
    stage.payIntent();
    stage.restart();
    stage.fail('readIntent', 'undone');
    look(stage.actor);
    await stage.after(10_000);
    expect(stage.booking.status).toBe('reserved');
    look(stage.actor);
    await stage.after(1_000);
    expect(stage.booking.status).toBe('confirmed');
  });
});

describe('two actors of one booking', () => {
  it('sell it once: who writes second is a zombie and starts again from what is written', async () => {
    const stage = await paying();
    const twin = stage.twin();
    await stage.after(100);
    stage.payIntent();
    const news = { kind: 'succeeded', intentId: 'pi_1', amountMinor: 300_000, currency: 'THB' } as const;
    const both = Promise.all([told(stage), tell(twin.deps, twin.actor, news)]);
    const answers = await stage.after(10_000, both);
    expect(answers?.map(({ ok }) => ok).sort()).toEqual([false, true]);
    expect(stage.crashes[0]).toMatch(/has a record \d+ already/);
    expect(stage.times('confirm')).toBe(1);
    const numbers = stage.journal.records.map(({ seq }) => seq);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    for (const once of ['payment-succeeded', 'booking-confirmed', 'tickets-issued'])
      expect(stage.story.filter((type) => type === once)).toEqual([once]);
  });

  it('asked to pay at the same time open one intent', async () => {
    const stage = new SagaStage();
    const twin = stage.twin();
    await stage.after(100);
    const asked = { booking: stage.booking, provider: 'stripe' } as const;
    await stage.after(10_000, Promise.all([pays(stage), pay(twin.deps, twin.actor, asked)]));
    expect(await stage.after(1_000, pays(stage))).toMatchObject({ ok: true });
    expect(stage.times('intent')).toBe(1);
  });
});
