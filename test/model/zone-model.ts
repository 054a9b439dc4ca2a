/**
 * The oracle of the gate's scripts: zones of one event as engine/zone.ts has them, kept as the list of commands that
 * were applied and not taken back. Undoing a batch means to forget it and to apply the rest anew, which shares nothing
 * with what lua/undo_batch.lua does.
 */
import { expect } from 'vitest';
import {
  applyCommand,
  givesBack,
  type Hold,
  newEventLedger,
  newZone,
  settleRelease,
  type Zone,
  type ZoneAnswer,
  type ZoneCommand,
} from '../../engine/zone.ts';

export const maxPerUser = 9;
export const capacities = [25, 12];

export interface AppliedBatch {
  readonly batchId: string;
  readonly commands: readonly ZoneCommand[];
  settled: boolean;
}

/** Seats that are sold to somebody. */
export interface Sale {
  readonly bookingId: string;
  readonly userId: string;
  readonly quantity: number;
}

export class ZoneModel {
  /** Per zone, its batches that let something through, oldest first. */
  readonly batches: AppliedBatch[][] = capacities.map(() => []);
  /** All of them in the order in which they were applied, as zone and batch. */
  readonly #order: { readonly zone: number; readonly batch: AppliedBatch }[] = [];
  zones: Zone[] = [];

  constructor() {
    this.replay();
  }

  judge(zone: number, batchId: string, commands: readonly ZoneCommand[]): ZoneAnswer[] {
    const present = this.zones[zone] as Zone;
    const answers = commands.map((command) => applyCommand(present, command, maxPerUser));
    const applied = commands.filter((_, index) => answers[index]?.result === 'applied');
    if (applied.length > 0) {
      const batch = { batchId, commands: applied, settled: false };
      this.batches[zone]?.push(batch);
      this.#order.push({ zone, batch });
    }
    return answers;
  }

  forgetNewest(zone: number): void {
    const newest = this.batches[zone]?.pop();
    this.#order.splice(
      this.#order.findIndex(({ batch }) => batch === newest),
      1,
    );
    this.replay();
  }

  replay(): void {
    this.zones = this.#zonesAfter((batch) => batch.settled);
  }

  /** What the zone has sold and not been given back. */
  salesIn(zone: number): Sale[] {
    const held = new Map<string, Sale>();
    const sold = new Map<string, Sale>();
    for (const command of this.batches[zone]?.flatMap(({ commands }) => commands) ?? []) {
      const { bookingId } = command;
      const hold = held.get(bookingId);
      if (command.kind === 'reserve') held.set(bookingId, command);
      else if (command.kind === 'confirm' && hold) sold.set(bookingId, hold);
      else if (command.kind === 'reacquire') sold.set(bookingId, command);
      else if (command.kind === 'refund') sold.delete(bookingId);
    }
    return [...sold.values()].map(({ bookingId, userId, quantity }) => ({ bookingId, userId, quantity }));
  }

  /** User → seats, without any that were given back. */
  get seatsKept(): ReadonlyMap<string, number> {
    return (this.#zonesAfter(() => true)[0] as Zone).event.seatsOfUser;
  }

  /** The state that the batches which remain lead to. Their limits were judged when they came. */
  #zonesAfter(isSettled: (batch: AppliedBatch) => boolean): Zone[] {
    const event = newEventLedger();
    const zones = capacities.map((capacity) => newZone(event, capacity));
    const released: Pick<Hold, 'userId' | 'quantity'>[] = [];
    for (const { zone, batch } of this.#order) {
      const present = zones[zone] as Zone;
      for (const command of batch.commands) {
        const hold = present.holds.get(command.bookingId);
        expect(applyCommand(present, command, Number.POSITIVE_INFINITY)).toEqual({ result: 'applied' });
        const returned = command.kind === 'refund' ? command : hold;
        if (returned && isSettled(batch) && givesBack(command.kind)) released.push(returned);
      }
    }
    for (const hold of released) settleRelease(event, hold);
    return zones;
  }
}
