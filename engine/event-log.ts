/**
 * Ports of the event log: the outbox that events are written to with the state they tell of, the log that they are
 * relayed to, and whoever follows it. At least once everywhere, in order per key; consumers know repetitions by the id.
 */
import type { DomainEvent } from './events.ts';
import type { Outcome } from './outcome.ts';
import type { Topic } from './topics.ts';

/** Rows of the outbox, and a place for what nobody can use. */
export interface Outbox {
  /**
   * The oldest rows that were not marked yet, without those in `except`: as many as there is room for, and at least one.
   * A state, not a position: nothing that commits late is overlooked. With `types`, a row that is known to hold none of
   * them comes without its events.
   */
  unpublished(room: Room, except: readonly string[], types: readonly string[] | null): Promise<readonly OutboxRow[]>;
  markPublished(seqs: readonly string[]): Promise<void>;
  /** Parks what cannot be processed where an operator sees it, and tells of it in `onsale.dlq`. Harmless when repeated. */
  deadLetter(letter: DeadLetter): Promise<void>;
}

export interface Room {
  readonly rows: number;
  /** Bytes of their events: a row that begins within them comes whole. */
  readonly bytes: number;
}

export interface OutboxRow {
  /** Decimal digits of a 64-bit number: the order of writing, not of committing. */
  readonly seq: string;
  readonly topic: string;
  /** JSON array of envelopes, in their order. */
  readonly events: string;
}

export interface DeadLetter {
  readonly topic: string;
  readonly key: string;
  readonly consumer: string;
  /** JSON of the envelope, or whatever stood in its place. */
  readonly event: string;
  readonly error: string;
  readonly attempts: number;
}

/** The right to relay, which one process of the cluster has at a time. */
export interface RelayLock {
  /** True when this process has it now, until `lost` is called. Its holder may ask again. */
  take(lost: () => void): Promise<boolean>;
}

/** A log that other services follow too. */
export interface EventLog {
  /**
   * Appends to a topic, after what was handed over before. Resolves when it is durable, with those events that the log
   * will never take (too large for it). Rejects when it is not known what was appended: then again, in the same order.
   */
  publish(topic: Topic, events: readonly DomainEvent[]): Promise<readonly DomainEvent[]>;
  /** Has `take` handed everything in the topic, from now to `close`, a little at a time; an item counts once `take` resolved. */
  follow(topic: Topic, take: (items: readonly LogItem[]) => Promise<void>): void;
  close(): Promise<void>;
}

/** An entry of the log as it was read: anybody may have written it. */
export interface LogItem {
  readonly key: string;
  readonly text: string;
}

/** Follows one topic, on the log or in the process alike. */
export interface EventConsumer {
  readonly name: string;
  readonly topic: Topic;
  /** Events of other types pass it by. */
  readonly types: ReadonlySet<string>;
  /** How many events it takes at once, of any keys; with 1, those of different keys run beside each other. */
  readonly eventsMax: number;
  /**
   * At least once. SERVICE_UNAVAILABLE, or a throw, asks for another try; any other refusal is final. An event that is
   * repeated may come after later ones of its key.
   */
  handle(events: readonly DomainEvent[]): Promise<Outcome<null>>;
}
