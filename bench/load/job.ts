/** What a generator process is told and what it answers: plain data, since it crosses a process boundary. */
import type { Address } from './connection.ts';
import type { Share, Step } from './schedule.ts';
import type { PackedTally } from './tally.ts';

/** So many sockets that ask in one instant, beside the profile. */
export interface Herd {
  readonly atSeconds: number;
  readonly sockets: number;
  /** The sockets are open before the instant. */
  readonly connectsBefore: boolean;
}

/** A load, whatever the number of processes that make it. */
export interface Load {
  readonly label: string;
  readonly loop: 'open' | 'closed';
  /** In closed loop only its length counts. The warm-up is a part of it. */
  readonly profile: readonly Step[];
  readonly spacing: 'even' | 'poisson';
  readonly herd: Herd | null;
  readonly warmUpSeconds: number;
  /** Of all processes together. */
  readonly connections: number;
  readonly timeoutMs: number;
  /** Open loop: who gets no connection for so long goes without having asked. */
  readonly unsentMs: number;
  readonly seed: number;
}

export interface GeneratorJob extends Load {
  readonly address: Address;
  /** `reserve`, or the path of a module. */
  readonly driver: string;
  readonly fixtureFile: string;
  readonly runId: string;
  readonly firstNumber: number;
  readonly share: Share;
  /** Where accepted answers are noted, each `ackedEvery`-th of them; null: nowhere. */
  readonly ackedFile: string | null;
  readonly ackedEvery: number;
}

export interface GeneratorResult {
  readonly tally: PackedTally;
  /** Of the measured time. */
  readonly cpuSeconds: number;
  readonly lateness: Lateness;
}

/**
 * How late the generator's own timers of a millisecond were, in milliseconds: what it adds to the latencies it reports
 * when the machine does not let it run.
 */
export interface Lateness {
  readonly p99Ms: number;
  readonly maxMs: number;
}
