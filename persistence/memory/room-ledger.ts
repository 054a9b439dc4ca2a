/** The truth of the waiting rooms in memory, with the refusals of the real one. What is on sale is set by its owner. */
import type { Stock } from '../../engine/admission.ts';
import type { LoggedEntry } from '../../engine/queue-log.ts';
import type { AccessCode, Checkout, RoomBatch, RoomLedger } from '../../engine/room-ledger.ts';
import type { RoomMode } from '../../engine/waiting-room.ts';
import { direct, type Wire } from './wire.ts';

export class MemoryRoomLedger implements RoomLedger {
  readonly eventId: string;
  readonly log: LoggedEntry[] = [];
  epoch = 0;
  mode: RoomMode;
  stock: Stock;
  accessCodes: readonly AccessCode[] = [];
  /** Oldest first. */
  readonly bookings: Checkout[] = [];
  readonly #wire: Wire;

  constructor(eventId: string, given: { readonly mode: RoomMode; readonly stock: Stock }, wire: Wire = direct) {
    this.eventId = eventId;
    this.mode = given.mode;
    this.stock = given.stock;
    this.#wire = wire;
  }

  acquire(eventId: string) {
    return this.#wire('acquire room', () => {
      if (eventId !== this.eventId) return null;
      const lease = { eventId, epoch: ++this.epoch };
      return { lease, salt: 'a salt', seed: 'a seed', mode: this.mode, accessCodes: this.accessCodes };
    });
  }

  append({ lease, afterSeq, entries, mode, accessCodes }: RoomBatch) {
    return this.#wire('append', () => {
      const isOwners = lease.eventId === this.eventId && lease.epoch === this.epoch;
      if (!isOwners || afterSeq !== this.log.length) return 'stale' as const;
      this.log.push(...entries);
      this.mode = mode ?? this.mode;
      this.accessCodes = accessCodes ?? this.accessCodes;
      return 'appended' as const;
    });
  }

  read(eventId: string, afterSeq: number, max: number) {
    return this.#wire('read', () => (eventId === this.eventId ? this.log.slice(afterSeq, afterSeq + max) : []));
  }

  survey(eventId: string) {
    return this.#wire('survey', () => (eventId === this.eventId ? this.stock : null));
  }

  checkouts(_eventId: string, userIds: readonly string[]) {
    return this.#wire('checkouts', () =>
      userIds.flatMap((userId) => this.bookings.findLast((booking) => booking.userId === userId) ?? []),
    );
  }

  async roomsOn() {
    return this.mode === 'off' ? [] : [this.eventId];
  }
}
