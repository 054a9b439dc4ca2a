/**
 * The waiting room of one event as the sum of its log: who waits at which place, who has a pass, who is at the checkout.
 * `apply` is the only mutator and also the replay. It decides nothing: admission.ts says who is next, the actor when.
 *
 * Priority has a line of its own that is served first: so nobody in the regular line ever sees their place get worse.
 */
import { Line } from './line.ts';
import { genesisHash, type LineName, type LoggedEntry, type Sha256 } from './queue-log.ts';
import { shuffled, shuffleKey } from './shuffle.ts';

export const roomModes = ['off', 'open', 'paused', 'drain'] as const;
/**
 * `off`: nobody needs a pass. `open`: people join and are admitted. `paused`: they join and nobody is admitted.
 * `drain`: nobody joins, those who wait are admitted.
 */
export type RoomMode = (typeof roomModes)[number];

export interface RoomTerms {
  readonly mode: RoomMode;
  /** People with a pass or at the checkout at the same time. */
  readonly maxConcurrent: number;
  /** Admissions a minute; null: as many as there are slots. */
  readonly ratePerMinute: number | null;
  readonly passTtlMs: number;
  /** How long somebody who is not seen keeps their place. */
  readonly graceMs: number;
  /** So many live users turn a room on that is off; null: none do. */
  readonly activationUsers: number | null;
}

export const defaultTerms: RoomTerms = {
  mode: 'off',
  maxConcurrent: 100,
  ratePerMinute: null,
  passTtlMs: 300_000,
  graceMs: 120_000,
  activationUsers: 1_000,
};

export interface Person {
  readonly userId: string;
  /** Their name in the log. */
  readonly who: string;
  readonly joinedAtMs: number;
  /** Changes once, for those whom the shuffle takes out of the lobby. */
  line: LineName;
  place: number;
  stage: 'waiting' | 'admitted' | 'checkout';
  /** The entry that admitted them, which is their pass's number; 0 before. */
  admission: number;
  admittedAtMs: number;
  passEndsAtMs: number;
  bookingId: string | null;
  /** When they were last there. Not in the log: after a restart everybody has just been seen. */
  seenAtMs: number;
}

export class WaitingRoom {
  terms: RoomTerms = defaultTerms;
  /** Of the last entry. */
  seq = 0;
  atMs = 0;
  hash = genesisHash;
  commitment: string | null = null;
  shuffled = false;
  admittedTotal = 0;
  /** Everybody who has a place, a pass or is at the checkout, by user. */
  readonly people = new Map<string, Person>();
  readonly lines: Record<LineName, Line<Person>> = { priority: new Line(), regular: new Line(), lobby: new Line() };
  /** Those with a pass or at the checkout, in the order of their admission. */
  readonly active = new Map<string, Person>();
  /** Those at the checkout, by their booking. */
  readonly checkouts = new Map<string, Person>();
  /** How many of them have a pass that made no booking yet. */
  passesOut = 0;
  readonly #sha256: Sha256;

  constructor(sha256: Sha256) {
    this.#sha256 = sha256;
  }

  get waiting(): number {
    return this.people.size - this.active.size;
  }

  /** Who is admitted next. The lobby waits for its shuffle. */
  next(): Person | undefined {
    return this.lines.priority.first() ?? this.lines.regular.first();
  }

  /** 1 for the first of their line; null in the lobby, where nobody knows yet, and for those who were admitted. */
  position({ stage, line, place }: Person): number | null {
    return stage !== 'waiting' || line === 'lobby' ? null : this.lines[line].position(place);
  }

  /** Throws when the entry does not follow from the state: then the log is not the one of this room. */
  apply(entry: LoggedEntry): void {
    const before = this.hash;
    this.seq = entry.seq;
    this.atMs = entry.atMs;
    this.hash = entry.hash;
    switch (entry.kind) {
      case 'configure':
        this.terms = termsFrom(entry.detail);
        break;
      case 'commit':
        this.commitment = entry.detail;
        break;
      case 'join':
        this.#join(entry);
        break;
      case 'shuffle':
        this.#shuffle(entry.detail, before);
        break;
      case 'admit':
        this.#admit(this.#named(entry), entry);
        break;
      case 'leave':
        this.#leave(this.#named(entry));
        break;
      case 'redeem':
        this.#redeem(this.#named(entry), entry.detail);
        break;
      case 'release':
        this.#release(this.#named(entry));
        break;
    }
  }

  #join({ seq, userId, who, line, place, atMs }: LoggedEntry): void {
    if (userId === null || who === null || line === null) throw new Error(`entry ${seq}: nobody joins`);
    const stage = { stage: 'waiting', admission: 0, admittedAtMs: 0, passEndsAtMs: 0, bookingId: null } as const;
    const person: Person = { userId, who, joinedAtMs: atMs, line, place: 0, ...stage, seenAtMs: atMs };
    person.place = this.lines[line].enter(person);
    if (person.place !== place) throw new Error(`entry ${seq}: place ${place} is not the next one`);
    this.people.set(userId, person);
  }

  #shuffle(seed: string, hashBefore: string): void {
    const key = shuffleKey(seed, hashBefore, this.#sha256);
    for (const person of shuffled(this.lines.lobby, key, this.#sha256)) {
      person.line = 'regular';
      person.place = this.lines.regular.enter(person);
    }
    this.lines.lobby = new Line();
    this.shuffled = true;
  }

  #admit(person: Person, { seq, atMs, detail }: LoggedEntry): void {
    this.lines[person.line].remove(person.place);
    person.stage = 'admitted';
    person.admission = seq;
    person.admittedAtMs = atMs;
    person.passEndsAtMs = Number(detail);
    this.active.set(person.userId, person);
    this.passesOut++;
    this.admittedTotal++;
  }

  #leave(person: Person): void {
    this.lines[person.line].remove(person.place);
    this.people.delete(person.userId);
  }

  #redeem(person: Person, bookingId: string): void {
    person.stage = 'checkout';
    person.bookingId = bookingId;
    this.checkouts.set(bookingId, person);
    this.passesOut--;
  }

  #release(person: Person): void {
    if (person.bookingId === null) this.passesOut--;
    else this.checkouts.delete(person.bookingId);
    this.active.delete(person.userId);
    this.people.delete(person.userId);
  }

  #named({ seq, kind, userId }: LoggedEntry): Person {
    const person = this.people.get(userId ?? '');
    if (!person) throw new Error(`entry ${seq}: ${kind} of somebody who is not in the room`);
    return person;
  }
}

/** The detail of a `configure` entry. */
export function termsText(terms: RoomTerms, cause: string): string {
  return JSON.stringify({
    mode: terms.mode,
    max_concurrent: terms.maxConcurrent,
    rate_per_minute: terms.ratePerMinute,
    pass_ttl: terms.passTtlMs / 1000,
    grace: terms.graceMs / 1000,
    activation_users: terms.activationUsers,
    cause,
  });
}

export function termsFrom(detail: string): RoomTerms {
  const read = JSON.parse(detail);
  return {
    mode: read.mode,
    maxConcurrent: read.max_concurrent,
    ratePerMinute: read.rate_per_minute,
    passTtlMs: read.pass_ttl * 1000,
    graceMs: read.grace * 1000,
    activationUsers: read.activation_users,
  };
}
