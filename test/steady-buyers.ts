/** Buyers who never let go: one seat after the other from nodes in turn, "not now" and lost answers asked again with the same key. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { buyerWith, eventually } from './buyer.ts';
import type { NodeUnderTest, OnSale } from './node-under-test.ts';

export interface SteadyBuyers {
  /** Bookings they were promised. */
  readonly acked: ReadonlySet<string>;
  /** How often they were told "not now", or nothing. */
  readonly setbacks: number;
  /** Resolves when so many more seats were sold. */
  more(seats: number): Promise<void>;
  /** Resolves when every zone has told everybody that there are none left. */
  untilSoldOut(): Promise<void>;
  /** Ends, and checks that nothing else was answered and every promise is durable. */
  stop(): Promise<void>;
}

export interface Round {
  /** Of the nodes, in the order in which they are asked. */
  readonly urls: readonly (() => string)[];
  readonly sale: OnSale;
  /** @default 6 */
  readonly buyers?: number;
}

const patienceMs = 3_000;
const pauseMs = 50;

export function keepSelling(node: NodeUnderTest, { urls, sale, buyers = 6 }: Round): SteadyBuyers {
  const acked = new Set<string>();
  const strange: string[] = [];
  let setbacks = 0;
  let stopped = false;
  /** True: the zone had a seat. */
  const buyOne = async (number: number, zoneId: string): Promise<boolean> => {
    const [who] = await node.crowd(1);
    const key = randomUUID();
    const order = { event_id: sale.eventId, zone_id: zoneId, quantity: 1 };
    for (let tries = number; ; tries++) {
      const url = urls[tries % urls.length] as () => string;
      const signal = AbortSignal.timeout(patienceMs);
      const init = { method: 'POST', signal, body: JSON.stringify(order) };
      const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': key };
      const answer = await buyerWith(url, who ?? { userId: '', token: '' })
        .ask<{ booking_id: string }>('/bookings/reserve', { ...init, headers })
        .catch(() => null);
      if (answer?.status === 201) {
        acked.add(answer.data.booking_id);
        return true;
      }
      if (answer?.status === 409 && answer.error.code === 'INSUFFICIENT_STOCK') return false;
      if (answer && (answer.status !== 503 || answer.headers.get('retry-after') === null))
        strange.push(`${answer.status} ${answer.text}`);
      setbacks++;
      if (stopped) return false;
      await delay(pauseMs);
    }
  };
  const run = async (number: number) => {
    const full = new Set<string>();
    for (let turn = number; !stopped && full.size < sale.zoneIds.length; turn++) {
      const zoneId = sale.zoneIds[turn % sale.zoneIds.length] as string;
      if (!(await buyOne(number, zoneId))) full.add(zoneId);
    }
  };
  const running = Promise.all(Array.from({ length: buyers }, (_, number) => run(number)));
  const check = async () => {
    expect(strange).toEqual([]);
    const { rows } = await node.database.query('select id from bookings where id = any($1)', [[...acked]]);
    expect(rows).toHaveLength(acked.size);
  };
  return {
    acked,
    get setbacks() {
      return setbacks;
    },
    async more(seats) {
      const enough = acked.size + seats;
      await eventually(() => expect(acked.size).toBeGreaterThanOrEqual(enough));
    },
    async untilSoldOut() {
      await running;
      await check();
    },
    async stop() {
      stopped = true;
      await running;
      await check();
    },
  };
}
