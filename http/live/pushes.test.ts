/** What live connections are told besides the room's own news: what is left of the zones, and their own bookings. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PersonalNews } from '../../actors/waiting-room-requests.ts';
import { eventually } from '../../test/buyer.ts';
import { type LiveEdge, startLiveEdge } from '../../test/live-edge.ts';
import { type LiveVisitor, streamLive, visitLive } from '../../test/live-visitor.ts';

const [zoneA, zoneB] = [randomUUID(), randomUUID()];
let edge: LiveEdge;

beforeEach(async () => {
  edge = await startLiveEdge();
});
afterEach(async () => edge.stop());

const tokenOf = async (id: string) => (await edge.bearer('user', id)).slice('Bearer '.length);

async function welcomed(userId = randomUUID()): Promise<LiveVisitor> {
  const visitor = await visitLive({ url: edge.url, eventId: edge.eventId, token: await tokenOf(userId) });
  await visitor.hears('welcome');
  return visitor;
}

const left = (a: number, b: number) => ({
  zones: [
    { zoneId: zoneA, available: a },
    { zoneId: zoneB, available: b },
  ],
});

const told = (visitor: Pick<LiveVisitor, 'told'>) =>
  visitor.told
    .filter(({ type }) => type === 'availability')
    .map(({ zone_id, available }) => [zone_id === zoneA ? 'a' : 'b', available]);

describe('what is left of each zone', () => {
  it('is told to whoever asked for it, at once and when it changes, and to nobody else', async () => {
    const [asked, silent] = [await welcomed(), await welcomed()];
    edge.tick(left(10, 20));
    await asked.hears('position');
    asked.say({ type: 'subscribe_availability' });
    await asked.hears('availability', ({ zone_id }) => zone_id === zoneB);
    edge.tick({ ...left(9, 20), waiting: 1 });
    await asked.hears('position', ({ waiting }) => waiting === 1);
    edge.tick({ ...left(9, 20), waiting: 2 });
    edge.tick({ ...left(7, 19), waiting: 3 });
    await asked.hears('availability', ({ available }) => available === 19);
    for (const one of [asked, silent]) await one.hears('position', ({ waiting }) => waiting === 3);
    expect(told(asked)).toEqual([
      ['a', 10],
      ['b', 20],
      ['a', 9],
      ['a', 7],
      ['b', 19],
    ]);
    expect(told(silent)).toEqual([]);
  });

  it('comes as the newest only to whoever could not read for a while', async () => {
    const visitor = await welcomed();
    visitor.say({ type: 'subscribe_availability' });
    visitor.say({ type: 'ping' });
    await visitor.hears('pong');
    // In one turn of the event loop: nobody is shown anything between.
    for (let sold = 1; sold <= 50; sold++) edge.tick({ ...left(100 - sold, 20), waiting: sold });
    await visitor.hears('position', ({ waiting }) => waiting === 50);
    expect(told(visitor).length).toBeLessThan(10);
    expect(told(visitor)).toContainEqual(['a', 50]);
  });

  it('is told over a stream that asks for it', async () => {
    edge.tick(left(3, 4));
    const token = await tokenOf(randomUUID());
    const stream = await streamLive({ url: edge.url, eventId: edge.eventId, token, query: '?availability=true' });
    edge.tick(left(3, 4));
    await eventually(() => expect(stream.told.filter(({ type }) => type === 'availability')).toHaveLength(2));
    edge.tick(left(2, 4));
    await eventually(() => expect(stream.told.at(-1)).toMatchObject({ type: 'availability', available: 2 }));
    stream.leave();
    await stream.ended;
  });
});

describe('what becomes of a booking', () => {
  const bookingId = randomUUID();
  const bookingOf = (userId: string): PersonalNews => ({
    what: 'booking',
    booking: {
      ...{ bookingId, eventId: edge.eventId, zoneId: zoneA, userId, quantity: 2, amountMinor: 5_000, currency: 'THB' },
      ...{ status: 'confirmed', createdAtMs: 1, expiresAtMs: 2, firstExpiresAtMs: 2, changedAtMs: 3 },
    },
  });
  const tell = (userId: string, news: PersonalNews) => {
    for (const listener of edge.listeners) listener.personal(userId, news);
  };

  it('is told to all connections of its owner, and to nobody else', async () => {
    const owner = randomUUID();
    const [phone, desk, other] = [await welcomed(owner), await welcomed(owner), await welcomed()];
    tell(owner, bookingOf(owner));
    tell(owner, { what: 'notification', kind: 'confirmed', bookingId, atMs: Date.UTC(2030, 0, 1) });
    for (const one of [phone, desk]) {
      expect(await one.hears('booking')).toMatchObject({
        ...{ booking_id: bookingId, event_id: edge.eventId, status: 'confirmed', quantity: 2, total_amount: 5_000 },
      });
      expect(await one.hears('notification')).toMatchObject({
        ...{ kind: 'confirmed', booking_id: bookingId, created_at: '2030-01-01T00:00:00.000Z' },
      });
    }
    other.say({ type: 'ping' });
    await other.hears('pong');
    expect(other.told.map(({ type }) => type)).toEqual(['welcome', 'pong']);
  });

  it('shows their other connections that the pass was used', async () => {
    const owner = randomUUID();
    const desk = await welcomed(owner);
    tell(owner, { what: 'checkout', bookingId, seq: 7 });
    expect(await desk.hears('place')).toMatchObject({ status: 'checkout', booking_id: bookingId, seq: 7 });
  });
});

describe('the room', () => {
  it('is told once of a user, however many connections they have', async () => {
    const user = randomUUID();
    const [phone, desk] = [await welcomed(user), await welcomed(user)];
    phone.leave();
    await eventually(() => expect(edge.counted('socket')).toBe(1));
    expect([edge.asked('connected'), edge.asked('disconnected')]).toEqual([1, 0]);
    desk.leave();
    await eventually(() => expect(edge.asked('disconnected')).toBe(1));
  });

  it('is told anew who is there when it has moved', async () => {
    const visitor = await welcomed();
    for (const listener of edge.listeners) listener.anew();
    edge.tick({ waiting: 1 });
    await visitor.hears('position', ({ waiting }) => waiting === 1);
    await eventually(() => expect(edge.asked('connected')).toBe(2));
    edge.tick({ waiting: 2 });
    await visitor.hears('position', ({ waiting }) => waiting === 2);
    expect(edge.asked('connected')).toBe(2);
  });
});
