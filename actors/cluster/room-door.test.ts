import { describe, expect, it } from 'vitest';
import { type RoomBench, roomBench, tickMs } from '../../test/room-bench.ts';
import {
  type Addressed,
  connected,
  join,
  type RoomAddress,
  type RoomListener,
  type RoomNews,
  tellPersonally,
} from '../waiting-room-requests.ts';
import { createRoomDoors } from './room-door.ts';

const graceMs = 30_000;
const ignore = () => {};

interface Ear extends RoomListener {
  readonly heard: string[];
  news: RoomNews | null;
}

function newEar(): Ear {
  const ear: Ear = {
    heard: [],
    news: null,
    anew: () => ear.heard.push('anew'),
    tick: (news) => {
      ear.news = news;
    },
    admitted: ({ userId }) => ear.heard.push(`${userId} admitted`),
    left: (userId, why) => ear.heard.push(`${userId} ${why}`),
    personal: (userId, { what }) => ear.heard.push(`${userId} ${what}`),
  };
  return ear;
}

interface Way {
  readonly door: RoomAddress;
  /** Where the room runs; null: nowhere that can be reached. */
  owner: RoomBench | null;
}

/** A node's door to the room, which first runs at `owner`. */
function doorTo(owner: RoomBench): Way {
  const send: RoomAddress['send'] = (request) => way.owner?.room.send(request);
  const doors = createRoomDoors({ nodeId: 'a node', timers: owner.world.timers, roomOf: () => ({ send }) });
  const way: Way = { door: doors(owner.room.eventId), owner };
  return way;
}

async function busyRoom(): Promise<RoomBench> {
  const bench = roomBench();
  await bench.ask({ kind: 'configure', change: { maxConcurrent: 1, graceMs, cause: 'a test' } });
  await bench.ask({ kind: 'join', userId: 'first', accessCode: null });
  return bench;
}

describe('a door', () => {
  it('brings what the room tells, from what holds when it is opened', async () => {
    const bench = await busyRoom();
    const { door } = doorTo(bench);
    const ear = newEar();
    const leave = door.subscribe(ear);
    await bench.pass(tickMs);
    expect(ear.heard).toEqual(['anew', 'first admitted']);
    const news: Addressed = ['first', { what: 'notification', kind: 'confirmed', bookingId: 'b', atMs: 1 }];
    tellPersonally(door, [news], ignore);
    bench.ledger.stock = { ...bench.ledger.stock, zones: [{ zoneId: 'a zone', available: 3 }] };
    await bench.pass(3 * tickMs);
    expect(ear.heard.slice(2)).toEqual(['first notification']);
    expect(ear.news?.zones).toEqual([{ zoneId: 'a zone', available: 3 }]);
    leave();
  });

  it.each([0, 10_000, 20_000])(
    'keeps the places behind it, and for the grace after falling silent at %i ms',
    async (ms) => {
      const bench = await busyRoom();
      const way = doorTo(bench);
      const ear = newEar();
      const leave = way.door.subscribe(ear);
      join(way.door, { userId: 'there', accessCode: null }, ignore);
      connected(way.door, 'there', ignore);
      await bench.pass(3 * graceMs + ms);
      expect(bench.gone).toEqual([]);
      way.owner = null;
      await bench.pass(graceMs);
      expect(bench.gone).toEqual([]);
      await bench.pass(15 * tickMs);
      expect(bench.gone).toEqual(['there timed_out']);
      leave();
    },
  );

  it('is told when the room has forgotten who is behind it', async () => {
    const bench = await busyRoom();
    const way = doorTo(bench);
    const ear = newEar();
    const leave = way.door.subscribe(ear);
    await bench.pass(3 * tickMs);
    expect(ear.heard.filter((one) => one === 'anew')).toHaveLength(1);
    const next = await busyRoom();
    const closed = bench.room.close(tickMs);
    way.owner = next;
    await bench.pass(3 * tickMs);
    await closed;
    await next.pass(tickMs);
    expect(ear.heard.filter((one) => one === 'anew')).toHaveLength(2);
    tellPersonally(way.door, [['first', { what: 'checkout', bookingId: 'b', seq: 9 }]], ignore);
    await next.pass(tickMs);
    expect(ear.heard.at(-1)).toBe('first checkout');
    leave();
  });
});
