/** What every ledger of a waiting room must do, in memory or in PostgreSQL. Each test has an event of its own. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Stock } from '../../engine/admission.ts';
import { entryHash, genesisHash, type LoggedEntry, nameInLog } from '../../engine/queue-log.ts';
import type { AcquiredRoom, Checkout, RoomBatch, RoomLedger } from '../../engine/room-ledger.ts';
import { sha256 } from '../../world.ts';
import { hashOf, newId } from './event-sample.ts';

export interface RoomLedgerUnderTest {
  readonly eventId: string;
  readonly stock: Stock;
  /** As two owners have them, who know nothing of each other. */
  readonly ledger: RoomLedger;
  readonly rival: RoomLedger;
  book(checkout: Checkout): Promise<void>;
}

const allAtOnce = 10_000;

/** Entries of the batch that follows what `log` has, chained as the room chains them. */
export function entriesAfter(log: readonly LoggedEntry[], made: readonly Partial<LoggedEntry>[]): LoggedEntry[] {
  let { seq = 0, hash: before = genesisHash } = log.at(-1) ?? {};
  return made.map((fields) => {
    const entry = { kind: 'join', userId: null, who: null, line: null, place: null, detail: '', ...fields } as const;
    const unsealed = { ...entry, seq: ++seq, atMs: 1_900_000_000_000 + seq };
    before = entryHash(before, unsealed, sha256);
    return { ...unsealed, hash: before };
  });
}

export function joinOf(place: number, userId = newId()): Partial<LoggedEntry> {
  return { kind: 'join', userId, who: nameInLog(userId, 'a salt', sha256), line: 'regular', place };
}

export function describeRoomLedger(name: string, open: () => Promise<RoomLedgerUnderTest>): void {
  describe(`${name}: a ledger of waiting rooms`, () => {
    let store: RoomLedgerUnderTest;
    let room: AcquiredRoom;
    let log: LoggedEntry[];
    beforeEach(async () => {
      store = await open();
      room = await acquired(store.ledger);
      log = [];
    });

    async function acquired(ledger: RoomLedger): Promise<AcquiredRoom> {
      const found = await ledger.acquire(store.eventId);
      if (!found) throw new Error('no such event');
      return found;
    }

    const batchOf = (made: readonly Partial<LoggedEntry>[], changes: Partial<RoomBatch> = {}): RoomBatch => ({
      ...{ lease: room.lease, afterSeq: log.length, entries: entriesAfter(log, made), mode: null, accessCodes: null },
      ...changes,
    });
    const append = async (made: readonly Partial<LoggedEntry>[], changes: Partial<RoomBatch> = {}) => {
      const batch = batchOf(made, changes);
      expect(await store.ledger.append(batch)).toBe('appended');
      log.push(...batch.entries);
    };
    /** Everything that an append could change. */
    const written = async () => {
      const { mode, accessCodes } = await acquired(store.rival);
      return { log: await store.rival.read(store.eventId, 0, allAtOnce), mode, accessCodes };
    };

    describe('acquire', () => {
      it('is null for an event that is not there', async () => {
        expect(await store.ledger.acquire(newId())).toBeNull();
      });

      it('raises the epoch each time, and keeps the secrets of the room', async () => {
        expect(room.lease).toEqual({ eventId: store.eventId, epoch: 1 });
        const next = await acquired(store.rival);
        expect(next).toEqual({ ...room, lease: { ...room.lease, epoch: 2 } });
        expect(room.salt).not.toBe(room.seed);
      });

      it('tells mode and codes as they were last written, also when a batch between did not write them', async () => {
        const accessCodes = [{ codeHash: sha256('FAN "CLUB"'), reason: 'fan, {club} "\\' }];
        await append([{ kind: 'configure', detail: '{}' }], { mode: 'paused', accessCodes });
        await append([joinOf(1)]);
        expect(await acquired(store.rival)).toMatchObject({ mode: 'paused', accessCodes });
        await append([{ kind: 'configure', detail: '{}' }], {
          mode: 'drain',
          accessCodes: [],
          lease: { ...room.lease, epoch: 2 },
        });
        expect(await acquired(store.rival)).toMatchObject({ mode: 'drain', accessCodes: [] });
      });
    });

    describe('the log', () => {
      it('gives back what was appended, to the letter', async () => {
        const [waiting, gone] = [joinOf(1), joinOf(2)];
        await append([
          { kind: 'configure', detail: '{"mode":"open","cause":"a \\"test\\", {braces}, NULL"}' },
          { kind: 'commit', detail: sha256('a seed') },
          waiting,
          gone,
          { ...gone, kind: 'leave', detail: 'timed_out' },
        ]);
        await append([
          { ...joinOf(1), line: 'priority', detail: 'เพื่อน, "bạn" \\ {NULL}\n' },
          { kind: 'shuffle', place: 0, detail: 'a seed' },
          { ...waiting, kind: 'admit', detail: '1900000300000' },
          { userId: waiting.userId ?? null, who: waiting.who ?? null, kind: 'redeem', detail: newId() },
          { userId: waiting.userId ?? null, who: waiting.who ?? null, kind: 'release', detail: 'completed' },
        ]);
        expect(await store.rival.read(store.eventId, 0, allAtOnce)).toEqual(log);
      });

      it('is read in pieces, from any entry on', async () => {
        await append(Array.from({ length: 7 }, (_, index) => joinOf(index + 1)));
        const read = (afterSeq: number, max: number) => store.ledger.read(store.eventId, afterSeq, max);
        expect(await read(0, 3)).toEqual(log.slice(0, 3));
        expect(await read(3, 3)).toEqual(log.slice(3, 6));
        expect(await read(6, 3)).toEqual(log.slice(6));
        expect(await read(7, 3)).toEqual([]);
        expect(await store.ledger.read(newId(), 0, 3)).toEqual([]);
      });

      it('takes a batch of thousands whole', async () => {
        await append(Array.from({ length: 5_000 }, (_, index) => joinOf(index + 1)));
        expect(await store.rival.read(store.eventId, 0, allAtOnce)).toEqual(log);
      });
    });

    describe('a batch is stale and changes nothing', () => {
      const codes = [{ codeHash: sha256('a code'), reason: 'a reason' }];

      it.each<[string, (batch: RoomBatch) => RoomBatch]>([
        ['under an epoch that is past', (batch) => ({ ...batch, lease: { ...batch.lease, epoch: 0 } })],
        ['under an epoch that is not yet', (batch) => ({ ...batch, lease: { ...batch.lease, epoch: 2 } })],
        ['for another event', (batch) => ({ ...batch, lease: { ...batch.lease, eventId: newId() } })],
        ['after an entry that is not the last', (batch) => ({ ...batch, afterSeq: batch.afterSeq - 1 })],
        ['after an entry that is not there', (batch) => ({ ...batch, afterSeq: batch.afterSeq + 1 })],
      ])('%s', async (_what, changed) => {
        await append([joinOf(1), joinOf(2)]);
        const batch = batchOf([joinOf(3)], { mode: 'drain', accessCodes: codes });
        expect(await store.ledger.append(changed(batch))).toBe('stale');
        expect(await written()).toEqual({ log, mode: 'open', accessCodes: [] });
      });

      it('when it comes a second time', async () => {
        const batch = batchOf([joinOf(1)]);
        expect(await store.ledger.append(batch)).toBe('appended');
        expect(await store.ledger.append(batch)).toBe('stale');
        expect((await written()).log).toEqual(batch.entries);
      });

      it('when somebody else has taken the room over', async () => {
        await append([joinOf(1)]);
        const next = await acquired(store.rival);
        expect(await store.ledger.append(batchOf([joinOf(2)]))).toBe('stale');
        const entries = entriesAfter(log, [joinOf(2)]);
        expect(await store.rival.append(batchOf([], { lease: next.lease, entries }))).toBe('appended');
        expect((await written()).log).toEqual([...log, ...entries]);
      });
    });

    it('says surely whether a batch that was under way is in: by the log that the next owner reads', async () => {
      for (let round = 0; round < 20; round++) {
        const batch = batchOf([joinOf(log.length + 1), joinOf(log.length + 2)]);
        const underWay = store.ledger.append(batch);
        room = await acquired(store.rival);
        const found = await store.rival.read(store.eventId, log.length, allAtOnce);
        expect(found).toEqual((await underWay) === 'appended' ? batch.entries : []);
        log.push(...found);
      }
      expect(await store.ledger.read(store.eventId, 0, allAtOnce)).toEqual(log);
    });

    it('tells what is on sale, and nothing of an event that is not there', async () => {
      expect(await store.ledger.survey(store.eventId)).toEqual(store.stock);
      expect(await store.ledger.survey(newId())).toBeNull();
    });

    it('tells the newest booking of each user who is asked for and has one', async () => {
      const [twice, once, never] = [newId(), newId(), newId()];
      const bookingOf = (userId: string, createdAtMs: number, status: string): Checkout => ({
        ...{ userId, bookingId: newId(), quantity: 2, createdAtMs, status, key: hashOf(`${userId} ${createdAtMs}`) },
      });
      const all = [
        bookingOf(twice, 1_000, 'cancelled'),
        bookingOf(once, 2_000, 'confirmed'),
        bookingOf(twice, 3_000, 'reserved'),
      ];
      for (const one of all) await store.book(one);
      const found = await store.ledger.checkouts(store.eventId, [twice, once, never]);
      expect(new Set(found)).toEqual(new Set(all.slice(1)));
      expect(await store.ledger.checkouts(store.eventId, [never])).toEqual([]);
    });

    it('names the rooms that are on', async () => {
      expect(await store.ledger.roomsOn()).toContain(store.eventId);
      await append([{ kind: 'configure', detail: '{}' }], { mode: 'off' });
      expect(await store.ledger.roomsOn()).not.toContain(store.eventId);
    });
  });
}
