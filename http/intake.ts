/**
 * Where requests wait that come in crowds. The event loop reads every socket that is ready before it lets anything else run:
 * dispatched as they are read, a few thousand reservations would keep the stores' answers, the zones' actors and whoever
 * pays waiting for all of them. So each turn of the loop takes some, and the others wait here, in order of arrival.
 */
import { Fifo } from '../actors/fifo.ts';
import type { Rejection } from '../engine/outcome.ts';

export interface Arrival {
  readonly startedAtMs: number;
  /** False when it is answered already, or the client is gone. */
  readonly isOpen: boolean;
  proceed(): void;
  refuse(rejection: Rejection): void;
}

/** Two or three milliseconds of work. */
const perTurn = 64;

export class Intake {
  readonly #waitMaxMs: number;
  readonly #waiting = new Fifo<Arrival>();
  /** How many this turn of the loop may still take. */
  #room = perTurn;
  #isArmed = false;

  /** Who has waited here for longer than `waitMaxMs` is told to come again, unread: that costs less than half. */
  constructor(waitMaxMs: number) {
    this.#waitMaxMs = waitMaxMs;
  }

  /** Lets `arrival` proceed, now or in a turn to come. */
  take(arrival: Arrival): void {
    this.#arm();
    if (this.#room > 0 && this.#waiting.length === 0) {
      this.#room--;
      arrival.proceed();
    } else this.#waiting.push(arrival);
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#isArmed = false;
    this.#room = perTurn;
    const earliestMs = performance.now() - this.#waitMaxMs;
    while (this.#room > 0 && this.#waiting.length > 0) {
      const arrival = this.#waiting.shift();
      // Whoever has hung up meanwhile is not to hold seats.
      if (!arrival?.isOpen) continue;
      this.#room--;
      if (arrival.startedAtMs < earliestMs) arrival.refuse(tooMany);
      else arrival.proceed();
    }
    if (this.#waiting.length > 0) this.#arm();
  }
}

const tooMany: Rejection = {
  code: 'SERVICE_UNAVAILABLE',
  message: 'too many requests at once',
  retryAfterSeconds: 1,
};
