import { beforeEach, describe, expect, it } from 'vitest';
import type { Catalogue, SaleZone } from '../engine/catalogue.ts';
import { createSaleDesk, type SaleDesk } from './sale-desk.ts';

const zone = (zoneId: string, priceMinor = 100): SaleZone => ({
  eventId: 'e',
  showId: 's',
  zoneId,
  kind: 'general',
  priceMinor,
  currency: 'THB',
  maxPerUser: 10,
  saleStartMs: 0,
  saleEndMs: 1e15,
  waitingRoom: 'off',
  published: true,
});

let nowMs: number;
let stored: Map<string, SaleZone>;
let asked: (readonly string[])[];
let failing: boolean;
let desk: SaleDesk;

beforeEach(() => {
  nowMs = 1_000_000;
  stored = new Map([['a', zone('a')]]);
  asked = [];
  failing = false;
  const catalogue: Pick<Catalogue, 'findSaleZones'> = {
    async findSaleZones(zoneIds) {
      asked.push([...zoneIds]);
      if (failing) throw new Error('away');
      return zoneIds.flatMap((id) => stored.get(id) ?? []);
    },
  };
  desk = createSaleDesk(catalogue as Catalogue, { now: () => nowMs });
});

/** Until a read that nobody waits for has come back. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('the sale desk', () => {
  it('asks once, then knows', async () => {
    expect(desk.recall('a')).toBeUndefined();
    expect(await desk.find('a')).toEqual(zone('a'));
    expect(desk.recall('a')).toEqual(zone('a'));
    expect(asked).toEqual([['a']]);
  });

  it('asks once for many who come together, and in one query for many zones', async () => {
    stored.set('b', zone('b'));
    const found = await Promise.all([desk.find('a'), desk.find('a'), desk.find('b'), desk.find('c')]);
    expect(found).toEqual([zone('a'), zone('a'), zone('b'), null]);
    expect(asked).toEqual([['a', 'b', 'c']]);
  });

  it('knows for less than a second that there is no such zone', async () => {
    expect(await desk.find('new')).toBeNull();
    stored.set('new', zone('new'));
    nowMs += 499;
    expect(desk.recall('new')).toBeNull();
    nowMs += 501;
    expect(desk.recall('new')).toBeUndefined();
    expect(await desk.find('new')).toEqual(zone('new'));
  });

  it('never answers with terms that are a second old', async () => {
    await desk.find('a');
    stored.set('a', zone('a', 200));
    nowMs += 1_000;
    expect(desk.recall('a')).toBeUndefined();
    expect(await desk.find('a')).toEqual(zone('a', 200));
  });

  it('reads again while it answers, so that a zone in demand is not waited for', async () => {
    await desk.find('a');
    stored.set('a', zone('a', 200));
    nowMs += 500;
    expect(desk.recall('a')).toEqual(zone('a', 100));
    expect(desk.recall('a')).toEqual(zone('a', 100));
    await settled();
    expect(desk.recall('a')).toEqual(zone('a', 200));
    expect(asked).toEqual([['a'], ['a']]);
  });

  it('goes on until the second is over when the catalogue is away, then says so', async () => {
    await desk.find('a');
    failing = true;
    nowMs += 900;
    expect(desk.recall('a')).toEqual(zone('a'));
    await settled();
    expect(desk.recall('a')).toEqual(zone('a'));
    nowMs += 100;
    await expect(desk.find('a')).rejects.toThrow('away');
    failing = false;
    await expect(desk.find('a')).resolves.toEqual(zone('a'));
  });
});
