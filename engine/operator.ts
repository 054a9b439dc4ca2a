/** What an operator looks at and repairs: sagas, dead letters, and whether gate and truth agree about the seats. */
import type { DeadLetter as ParkedEvent } from './event-log.ts';
import type { Page } from './reads.ts';
import type { SagaStatus } from './saga.ts';
import type { ZoneCounters } from './zone.ts';

export interface SagaShown {
  readonly bookingId: string;
  readonly eventId: string;
  readonly status: SagaStatus;
  readonly step: string;
  /** Failed attempts of the present step. */
  readonly attempts: number;
  readonly error: string | null;
  readonly updatedAtMs: number;
}

/** Where a saga's step that does not get on becomes a dead letter. Other consumers follow the topic, too, and have their own. */
export const stuckStep = { topic: 'saga-commands', consumer: 'booking-saga' } as const;

/** A dead letter as it is kept. */
export interface DeadLetter extends ParkedEvent {
  readonly id: string;
  readonly createdAtMs: number;
}

interface PageAsked {
  readonly limit: number;
  readonly cursor: string | null;
}

export interface OperatorReads {
  /** The quietest first. Null status: all. */
  sagas(asked: PageAsked & { readonly status: SagaStatus | null }): Promise<Page<SagaShown>>;
  hasSaga(bookingId: string): Promise<boolean>;
  /** Those that nobody has resolved, the oldest first. */
  deadLetters(asked: PageAsked): Promise<Page<DeadLetter>>;
  /** Null: no such letter, or resolved. */
  findDeadLetter(id: string): Promise<DeadLetter | null>;
  resolveDeadLetter(id: string): Promise<void>;
}

/** The two counts of a zone's seats. A batch on its way to the truth shows as a gate that is one version ahead. */
export interface ZoneInventory {
  readonly eventId: string;
  readonly zoneId: string;
  readonly name: string;
  readonly truth: ZoneCounters & { readonly version: number };
  /** Null: the gate knows nothing of the zone, which is so until it is first asked for. */
  readonly gate: (ZoneCounters & { readonly version: number }) | null;
  readonly agrees: boolean;
}

export interface Inventory {
  /** Null: every event. */
  status(eventId: string | null): Promise<readonly ZoneInventory[]>;
  /**
   * Rebuilds the gate from the truth: of the event named, else of every event where they disagree. Owners of zones take
   * over from themselves with their next batch. Answers the events that were rebuilt.
   */
  sync(eventId: string | null): Promise<readonly string[]>;
}

/** Something that an account does by more than a buyer's rights. */
export interface PrivilegedAct {
  readonly actorId: string;
  /** Method and path of the route. */
  readonly action: string;
  /** The ids that the path names. */
  readonly subject: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface AuditLog {
  /** Durable when it resolves. */
  record(act: PrivilegedAct): Promise<void>;
}
