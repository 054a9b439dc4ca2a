/** A gate on the bench: what the contract needs of the store behind it, and short ways to say things to it. */
import { expect } from 'vitest';
import type { Gate, GateAnswer, Lease } from '../../engine/ports.ts';
import type { ReserveCommand, ZoneAnswer, ZoneCommand } from '../../engine/zone.ts';
import { batchOf, countersOf, newId, noonMs, reserveCommand, snapshotOf } from './event-sample.ts';

export interface GateUnderTest {
  readonly gate: Gate;
  /** The gate's own idea of the time. */
  readonly clock: { nowMs: number };
  /** Everything in the store is lost. */
  forget(): Promise<void>;
  /** The store comes back as another run of itself, with its data. */
  restart(): Promise<void>;
}

export const applied: ZoneAnswer = { result: 'applied' };

export class GateBench {
  #store: GateUnderTest | null = null;

  async open(open: () => Promise<GateUnderTest>): Promise<void> {
    this.#store = await open();
  }

  get #present(): GateUnderTest {
    if (!this.#store) throw new Error('the bench is opened in beforeAll');
    return this.#store;
  }

  get gate(): Gate {
    return this.#present.gate;
  }

  get clock(): { nowMs: number } {
    return this.#present.clock;
  }

  forget(): Promise<void> {
    return this.#present.forget();
  }

  restart(): Promise<void> {
    return this.#present.restart();
  }

  /** An event with one zone a capacity, each owned at epoch 1, version 0, generation 1. */
  async openEvent(...capacities: number[]): Promise<Lease[]> {
    const eventId = newId();
    const zones = capacities.map((capacity) => ({ zoneId: newId(), epoch: 1, version: 0, ...countersOf(capacity) }));
    this.clock.nowMs = noonMs;
    await this.gate.rebuild(snapshotOf({ eventId, generation: 1, zones }));
    return zones.map(({ zoneId }) => ({ eventId, zoneId, epoch: 1, generation: 1 }));
  }

  async openZone(capacity: number): Promise<Lease> {
    const [lease] = await this.openEvent(capacity);
    return lease as Lease;
  }

  async answersTo(lease: Lease, version: number, commands: readonly ZoneCommand[]): Promise<readonly ZoneAnswer[]> {
    return answersOf(await this.gate.apply(batchOf(lease, version, commands)));
  }

  /** Makes a booking at version 0. */
  async reserved(lease: Lease, changes: Partial<ReserveCommand> = {}): Promise<ReserveCommand> {
    const command = reserveCommand(changes);
    expect(await this.answersTo(lease, 0, [command])).toEqual([applied]);
    return command;
  }
}

export function answersOf(answer: GateAnswer): readonly ZoneAnswer[] {
  if (!answer.ok) throw new Error(`the gate refused: ${answer.reason}`);
  return answer.answers;
}

/** A zone of nine free seats, as a snapshot has it. */
export function zoneRow({ zoneId, epoch }: Lease, version: number) {
  return { zoneId, epoch, version, ...countersOf(9) };
}
