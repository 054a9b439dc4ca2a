/**
 * The desk between the waiting room and the sale: a reservation passes it with a pass that is its user's and the
 * event's, and what came of the reservation is told to the room. It fails closed: a room that cannot be asked lets
 * nobody through.
 */
import { endPassUse, type PassUse, type RoomAddress, usePass } from '../actors/waiting-room-requests.ts';
import type { Reservation } from '../actors/zone-requests.ts';
import { type Outcome, type Refused, reject } from '../engine/outcome.ts';
import type { Hash16 } from '../engine/zone.ts';
import type { CheckedPass, PassSeal } from './pass-seal.ts';

type Answer = (outcome: Outcome<Reservation>) => void;

/** A reservation of an event whose room is on. `key` is what its zone knows it by. */
export interface Entering {
  readonly token: string | undefined;
  readonly userId: string;
  readonly eventId: string;
  readonly key: Hash16;
}

export interface PassDesk {
  /** Runs `reserve` when the pass allows it; either way `answer` is called exactly once. */
  enter(entering: Entering, reserve: (answer: Answer) => void, answer: Answer): void;
  /** Whether this token is a good pass of this user: such a one is not limited. */
  holds(token: string, userId: string): boolean | Promise<boolean>;
}

export function createPassDesk(seal: PassSeal, roomOf: (eventId: string) => RoomAddress): PassDesk {
  return {
    enter({ token, userId, eventId, key }, reserve, answer) {
      if (!token) {
        answer(reject('QUEUE_PASS_REQUIRED'));
        return;
      }
      const goOn = (checked: CheckedPass) => {
        const refusal = whyNotGood(checked, userId, eventId);
        if (refusal || !checked.ok) {
          answer(refusal ?? invalid('forged'));
          return;
        }
        const room = roomOf(eventId);
        const { admission, endsAtMs } = checked.pass;
        const use: PassUse = { userId, admission, endsAtMs, key };
        usePass(room, use, (allowed) => {
          if (allowed.ok) reserve((outcome) => settle(room, use, outcome, answer));
          else answer(allowed);
        });
      };
      const known = seal.recall(token);
      if (known) goOn(known);
      else seal.check(token).then(goOn, () => answer(invalid('forged')));
    },
    holds(token, userId) {
      const isHeld = (checked: CheckedPass) => checked.ok && checked.pass.userId === userId;
      const known = seal.recall(token);
      return known ? isHeld(known) : seal.check(token).then(isHeld, () => false);
    },
  };
}

/** The room hears first: whoever gets a refusal may use the pass again at once. */
function settle(room: RoomAddress, use: PassUse, outcome: Outcome<Reservation>, answer: Answer): void {
  if (outcome.ok) {
    const { bookingId, quantity, createdAtMs } = outcome.value;
    endPassUse(room, use, { end: 'made', bookingId, quantity, atMs: createdAtMs });
  } else {
    // Without an answer nobody knows whether there is a booking: the same key will find out.
    endPassUse(room, use, { end: outcome.rejection.code === 'SERVICE_UNAVAILABLE' ? 'unknown' : 'refused' });
  }
  answer(outcome);
}

function whyNotGood(checked: CheckedPass, userId: string, eventId: string): Refused | null {
  if (!checked.ok) return invalid(checked.reason);
  if (checked.pass.userId !== userId) return invalid('another_user');
  return checked.pass.eventId === eventId ? null : invalid('another_event');
}

function invalid(reason: string): Refused {
  return reject('QUEUE_PASS_INVALID', { reason });
}
