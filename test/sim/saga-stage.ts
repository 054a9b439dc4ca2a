/**
 * One booking and everything its saga touches, in a simulated world: a zone and a truth that know this booking only, a
 * provider whose answers get lost, and a journal. Each does what it does at a virtual moment and counts it.
 */
import { type BookingDeps, type LocalBooking, startBooking } from '../../actors/booking.ts';
import { type Actors, createActors } from '../../actors/kit.ts';
import type { ZoneRequest } from '../../actors/zone-requests.ts';
import { type Booking, statusAfter } from '../../engine/booking.ts';
import { accept, unavailable } from '../../engine/outcome.ts';
import { type IntentState, type PaymentProvider, ProviderRefused, ProviderUnavailable } from '../../engine/payment.ts';
import type { SagaEvent, Step } from '../../engine/saga-events.ts';
import { createMemoryJournal, type MemoryJournal } from '../../persistence/memory/journal.ts';
import { SimulatedWorld } from './world.ts';

export const startMs = 1_795_000_000_000;
const holdEndMs = startMs + 600_000;

/** What goes wrong with a call: it is done and its answer lost, not done, refused, or neither answered nor ended. */
type Fault = 'lost' | 'undone' | 'refused' | 'hangs';
type Call =
  | 'openIntent'
  | 'readIntent'
  | 'cancelIntent'
  | 'refund'
  | 'find'
  | 'journal.append'
  | 'journal.read'
  | ZoneRequest['kind'];

export class SagaStage {
  readonly world = new SimulatedWorld(1, startMs);
  readonly journal: MemoryJournal;
  /** Everything that was done, in order; effects of calls whose answer was lost are among them. */
  readonly done: string[] = [];
  readonly stuck: string[] = [];
  readonly crashes: string[] = [];
  /** What goes wrong with the next calls, by name. */
  readonly faults = new Map<Call, Fault[]>();
  booking: Booking;
  /** Whether the zone has seats for a booking whose hold is gone. */
  seatsAreFree = true;
  intent: IntentState | null = null;
  deps: BookingDeps;
  actor: LocalBooking;
  #actors: Actors;
  /** Calls that were done; the process dies with that of this number, before its answer is there. */
  effects = 0;
  dieAfter = Number.POSITIVE_INFINITY;
  /** What the provider did for a key; it forgets. */
  readonly keys = new Map<string, string>();

  constructor(change: Partial<Booking> = {}) {
    this.booking = { ...heldBooking(this.world.ids.next), ...change };
    this.journal = createMemoryJournal((call, effect) => this.call(call as Call, 5, effect));
    this.#actors = this.#newSystem();
    this.deps = this.#newDeps(this.#actors);
    this.actor = startBooking(this.booking.bookingId, this.deps);
  }

  /** The process dies, and another goes on over the same journal. */
  restart(): void {
    this.#actors.stopAll();
    this.#actors = this.#newSystem();
    this.deps = this.#newDeps(this.#actors);
    this.actor = startBooking(this.booking.bookingId, this.deps);
  }

  /** Another node that takes the booking for its own. */
  twin(): { readonly deps: BookingDeps; readonly actor: LocalBooking } {
    const deps = this.#newDeps(this.#newSystem());
    return { deps, actor: startBooking(this.booking.bookingId, deps) };
  }

  get events(): readonly SagaEvent[] {
    return this.journal.records.flatMap((record) => record.events as readonly SagaEvent[]);
  }

  get story(): readonly string[] {
    return this.events.map(({ type }) => type);
  }

  /** How often something was done. */
  times(what: string): number {
    return this.done.filter((each) => each === what).length;
  }

  /** Lets `ms` pass, and answers what `asked` has come to by then; `undefined` when to nothing. */
  async after<T>(ms: number, asked?: Promise<T>): Promise<T | undefined> {
    let answer: T | undefined;
    void asked?.then((value) => {
      answer = value;
    });
    await this.world.runUntil(this.world.clock.now() + ms);
    return answer;
  }

  /** The buyer's card pays. */
  payIntent(amountMinor = this.booking.amountMinor): void {
    this.intent = { ...(this.intent as IntentState), status: 'succeeded', amountMinor, declineCode: null };
  }

  fail(call: Call, ...faults: readonly Fault[]): void {
    this.faults.set(call, [...faults]);
  }

  call<T>(name: Call, ms: number, effect: () => T): Promise<T> {
    const fault = this.faults.get(name)?.shift();
    return new Promise((resolve, reject) => {
      if (fault === 'hangs') return;
      this.world.later(ms, name, () => {
        if (fault === 'refused') return reject(new ProviderRefused(`${name} refused`));
        if (fault === 'undone') return reject(new ProviderUnavailable(`${name} not done`));
        try {
          const value = effect();
          if (++this.effects === this.dieAfter) return this.restart();
          if (fault === 'lost') reject(new ProviderUnavailable(`${name} lost`));
          else resolve(value);
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #newSystem(): Actors {
    return createActors(this.world, this.journal, {
      crashed: (_, error) => this.crashes.push(String(error)),
      abandoned: () => {},
    });
  }

  #newDeps(actors: Actors): BookingDeps {
    return {
      actors,
      world: this.world,
      zoneOf: () => ({ send: (request) => this.#zone(request) }),
      bookings: { find: () => this.call('find', 5, () => this.booking) },
      providers: { stripe: this.#provider() },
      paymentGraceMs: 120_000,
      askTimeoutMs: 10_000,
      watch: { stepped: () => {}, stuck: (_, step: Step) => this.stuck.push(step) },
    };
  }

  #zone(request: ZoneRequest): void {
    if (request.kind === 'reserve') throw new Error('a saga does not reserve');
    this.call(request.kind, 10, () => this.#move(request)).then(
      (moved) => request.reply(accept(moved)),
      () => request.reply(unavailable('the zone is being recovered')),
    );
  }

  #move(request: Exclude<ZoneRequest, { kind: 'reserve' }>) {
    const { kind } = request;
    const status = statusAfter(this.booking.status, kind);
    if (kind === 'reacquire' && !this.seatsAreFree) return 'too-few' as const;
    if (!status) return 'absent' as const;
    const expiresAtMs = kind === 'extend' ? request.expiresAtMs : this.booking.expiresAtMs;
    // A hold that ends at that time already is not extended again.
    if (kind !== 'extend' || expiresAtMs !== this.booking.expiresAtMs)
      this.done.push(kind === 'refund' ? 'seats back' : kind);
    this.booking = { ...this.booking, status, expiresAtMs };
    return 'applied' as const;
  }

  #provider(): PaymentProvider {
    const once = (key: string, make: () => string) => {
      const known = this.keys.get(key) ?? make();
      this.keys.set(key, known);
      return known;
    };
    const present = () => {
      if (!this.intent) throw new ProviderRefused('no such intent');
      return this.intent;
    };
    return {
      name: 'stripe',
      openIntent: ({ idempotencyKey, amountMinor, currency, bookingId }) =>
        this.call('openIntent', 50, () => {
          const intentId = once(idempotencyKey, () => {
            this.done.push('intent');
            return `pi_${this.times('intent')}`;
          });
          const clientSecret = `${intentId}_secret`;
          const rest = { declineCode: null, refundedMinor: 0, status: 'processing' as const };
          if (this.intent?.intentId !== intentId)
            this.intent = { intentId, clientSecret, amountMinor, currency, bookingId, ...rest };
          return { intentId, clientSecret };
        }),
      readIntent: () => this.call('readIntent', 50, present),
      cancelIntent: () =>
        this.call('cancelIntent', 50, () => {
          if (present().status === 'processing') {
            this.done.push('void');
            this.intent = { ...present(), status: 'cancelled' };
          }
          return present();
        }),
      refund: ({ idempotencyKey, amountMinor }) =>
        this.call('refund', 50, () => {
          const refundId = once(idempotencyKey, () => {
            const { refundedMinor, ...intent } = present();
            if (refundedMinor + amountMinor > intent.amountMinor) throw new ProviderRefused('refunded already');
            this.intent = { ...intent, refundedMinor: refundedMinor + amountMinor };
            this.done.push('refund');
            return `re_${this.times('refund')}`;
          });
          return { refundId };
        }),
      readNotice: () => {
        throw new Error('a saga reads no webhooks');
      },
      readReturn: () => {
        throw new Error('a saga reads no returns');
      },
    };
  }
}

function heldBooking(newId: () => string): Booking {
  return {
    bookingId: newId(),
    eventId: newId(),
    zoneId: newId(),
    userId: newId(),
    quantity: 2,
    amountMinor: 300_000,
    currency: 'THB',
    status: 'reserved',
    createdAtMs: startMs,
    expiresAtMs: holdEndMs,
    firstExpiresAtMs: holdEndMs,
    changedAtMs: null,
  };
}
