/** What a zone actor holds in memory between messages. Mutable, never handed out, made anew after a crash. */
import { Deadlines } from '../engine/deadlines.ts';
import { KeyFilter } from '../engine/key-filter.ts';
import { Patience } from '../engine/patience.ts';
import type { Cancel, Gate, ZoneLedger } from '../engine/ports.ts';
import type { Fifo } from './fifo.ts';
import type { Inbox } from './inbox.ts';
import type { Actors, Reply, Self } from './kit.ts';
import type { Ownership } from './take-over.ts';
import type { ZoneMessage } from './zone.ts';
import type { Cleared, Flight } from './zone-flight.ts';
import { KeysUnderWay, type ZoneRequest } from './zone-requests.ts';

export interface ZoneLimits {
  /** Requests in one batch; the gate's script takes at most 512. */
  readonly batchMax: number;
  /** Requests that may wait for one zone; more are refused at once. */
  readonly inboxMax: number;
  /** How long they may have to wait at the pace of the last ones; who would wait longer is refused at once. */
  readonly waitMaxMs: number;
  /** Batches that may be past the gate and not yet durable. */
  readonly commitsMax: number;
  readonly holdTtlMs: number;
  /** `gate`: reservations are answered before they are durable, which breaks P2: to measure what the commit costs. */
  readonly ack: 'durable' | 'gate';
}

/** Told of what an operator must be able to see. */
export interface ZoneWatch {
  batched(requests: number): void;
  /** Starts a stopwatch for one call; call the answer when it is back. */
  timed(stage: 'lua' | 'commit'): () => void;
  doubted(zoneId: string, why: string, error?: unknown): void;
  /** A store refused a batch: another owner came (`fenced`), or the store is not where the batch says (`stale`). */
  refused(by: 'gate' | 'truth', why: 'fenced' | 'stale'): void;
}

export interface ZoneDeps {
  readonly actors: Actors;
  readonly gate: Gate;
  readonly ledger: ZoneLedger;
  /** Resolves when this node may take the zone over: nobody else is to have it then. */
  readonly lease: (zoneId: string) => Promise<void>;
  readonly limits: ZoneLimits;
  readonly watch: ZoneWatch;
}

export interface State {
  readonly zoneId: string;
  readonly deps: ZoneDeps;
  readonly self: Self<ZoneMessage>;
  readonly inbox: Inbox<ZoneRequest>;
  /** For whom there was no room, and who have not been told. */
  readonly turnedAway: Fifo<ZoneRequest>;
  readonly keys: KeysUnderWay;
  readonly patience: Patience;
  /** When so many are in the inbox, reservations are refused at once. */
  lineMax: number;
  deadlines: Deadlines;
  usedKeys: KeyFilter;

  /** `doubtful`: no batch may begin. `absent`: there is no such zone. */
  phase: 'doubtful' | 'open' | 'absent';
  ownership: Ownership | null;
  /** The zone's version before the next batch; available and held are as the gate last said. */
  version: number;
  available: number;
  held: number;

  gating: Flight | null;
  /** Past the gate and not known to be durable, oldest first. */
  readonly commits: Cleared[];
  /** Commits that the truth has not answered. */
  committing: number;
  /** Batches that the truth holds, whose records in the gate may go with the next batch. */
  settled: string[];
  /** Whether one of them gave seats back, which count for their users until the gate hears of it. */
  owesRelease: boolean;

  /** In doubt, the flight that the truth refused because it contradicts it. */
  refused: Flight | null;
  takingOver: boolean;
  /** Whether those who wait too long for a closed zone are looked for. */
  sweeping: boolean;
  failures: number;

  /** To be judged before anything that waits in the inbox. */
  again: ZoneRequest[];
  due: { readonly atMs: number; readonly cancel: Cancel } | null;
  /** Called when nothing is under way any more; null while the zone stays. */
  closing: Reply<null> | null;
}

export function newState(given: Pick<State, 'zoneId' | 'deps' | 'self' | 'inbox' | 'turnedAway'>): State {
  const { batchMax, inboxMax, waitMaxMs } = given.deps.limits;
  return {
    ...given,
    keys: new KeysUnderWay(),
    patience: new Patience({ waitMaxMs, least: 2 * batchMax, most: inboxMax }),
    lineMax: inboxMax,
    deadlines: new Deadlines(),
    usedKeys: new KeyFilter(),
    phase: 'doubtful',
    ownership: null,
    version: 0,
    available: 0,
    held: 0,
    gating: null,
    commits: [],
    committing: 0,
    settled: [],
    owesRelease: false,
    refused: null,
    takingOver: false,
    sweeping: false,
    failures: 0,
    again: [],
    due: null,
    closing: null,
  };
}
