/** What a simulated sale consists of, and on which terms it sells. */
import type { MemoryGate } from '../../persistence/memory/gate.ts';
import type { MemoryLedger } from '../../persistence/memory/ledger.ts';
import type { Tally } from './faults.ts';
import type { SimulatedWorld } from './world.ts';

export interface Sale {
  readonly world: SimulatedWorld;
  readonly gate: MemoryGate;
  readonly ledger: MemoryLedger;
  readonly eventId: string;
  readonly zoneIds: readonly string[];
  readonly tally: Tally;
  /** What was found broken; empty after a good run. */
  readonly broken: string[];
}

/** Few enough that zones sell out and users meet their limit. */
export const capacity = 10;
export const maxPerUser = 6;
export const holdTtlMs = 250;
