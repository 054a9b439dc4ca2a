/** Driver of `POST /bookings/reserve`: one seat, users and zones in turn, a new key for every request. */
import type { Fixture } from '../../cli/seed.ts';
import type { AckedBooking } from '../../engine/audit.ts';
import type { Answer } from '../load/response-parser.ts';
import type { Verdict } from '../load/tally.ts';
import type { Driver } from './driver.ts';

const path = '/api/v1/bookings/reserve';
const idField = '"booking_id":"';
const uuidChars = 36;
/** What a full house, and a buyer who has enough, are told. */
const refusals = ['"INSUFFICIENT_STOCK"', '"MAX_PER_USER_EXCEEDED"'];
const retryAfter = /\r\nretry-after:/i;

export function openReserveDriver({ event_id, zone_ids, users }: Fixture, runId: string): Driver {
  const bodies = zone_ids.map((zone_id) => JSON.stringify({ event_id, zone_id, quantity: 1 }));
  const bearers = users.map(({ token }) => `Bearer ${token}`);
  const keyOf = (n: number) => `${runId}-${n}`;

  return {
    request: (n) => ({
      method: 'POST',
      path,
      headers: {
        'Content-Type': 'application/json',
        Authorization: bearers[n % bearers.length] as string,
        'Idempotency-Key': keyOf(n),
      },
      body: bodies[n % bodies.length] as string,
    }),
    judge,
    acked(n, answer): AckedBooking {
      return {
        bookingId: bookingIdOf(answer),
        userId: users[n % users.length]?.user_id ?? '',
        eventId: event_id,
        zoneId: zone_ids[n % zone_ids.length] ?? '',
        quantity: 1,
        status: 'reserved',
        key: keyOf(n),
      };
    },
  };
}

/** Shedding without Retry-After tells nobody when to come back: that is a failure. */
function judge({ status, head, body }: Answer): Verdict {
  if (status === 201) return body.includes(idField) ? 'accepted' : 'failed';
  if (status === 409) return refusals.some((code) => body.includes(code)) ? 'refused' : 'failed';
  if (status === 503 || status === 429) return retryAfter.test(head) ? 'shed' : 'failed';
  return 'failed';
}

function bookingIdOf({ body }: Answer): string {
  const at = body.indexOf(idField) + idField.length;
  return body.slice(at, at + uuidChars);
}
