/** A few buyers who pay all the while, one booking after the other, and ask to be confirmed: their notices wait with the log. */

import type { AckedBooking } from '../../engine/audit.ts';
import { setStage } from '../rush-scene.ts';
import type { OwnSubject } from '../subject.ts';

export interface Payers {
  /** Bookings made so far. */
  readonly held: number;
  /** Those that are paid for and confirmed. */
  readonly confirmed: number;
  /** Resolves when the last of them has what it paid for; rejects when one did not get it. */
  stop(): Promise<void>;
}

const payersAtOnce = 2;
const goodCard = '4242424242424242';

export function startPayers({ baseUrl, sandboxUrl, fixture, ackedFile }: OwnSubject): Payers {
  const stage = setStage({ baseUrl, sandboxUrl, fixture, ackedFile, waitMs: 0 });
  const { event_id: eventId, users, zone_ids: zoneIds } = fixture;
  let [held, confirmed, isStopped] = [0, 0, false];
  /** Noted when the load has ended: its generators write to the same file. */
  const kept: AckedBooking[] = [];

  const buy = async () => {
    const n = held++;
    // From the end, so that they meet the users of the load as late as may be.
    const { user_id: userId, token } = users[users.length - 1 - (n % users.length)] as (typeof users)[number];
    const zoneId = zoneIds[n % zoneIds.length] as string;
    const key = `payer-${n}`;
    const booked = await stage.shop.reserve({ token, key, zoneId, quantity: 1 });
    if ('refused' in booked) throw new Error(`payer ${n} was refused: ${booked.refused}`);
    const { bookingId } = booked;
    const secret = await stage.shop.pay(token, bookingId);
    if (secret === null || (await stage.shop.card(secret, goodCard)) !== 'taken')
      throw new Error(`payer ${n} cannot pay`);
    if ((await stage.shop.confirm(token, bookingId)) !== 'confirmed') throw new Error(`payer ${n} paid for nothing`);
    kept.push({ bookingId, userId, eventId, zoneId, quantity: 1, status: 'confirmed', key });
    confirmed++;
  };
  const buyer = async () => {
    while (!isStopped) await buy();
  };
  const buying = Promise.all(Array.from({ length: payersAtOnce }, buyer));
  // Heard when somebody stops them: until then a failure has nobody to tell.
  buying.catch(() => {});
  return {
    get held() {
      return held;
    },
    get confirmed() {
      return confirmed;
    },
    async stop() {
      isStopped = true;
      try {
        await buying;
      } finally {
        for (const booking of kept) stage.acked.note(booking);
        await stage.close();
      }
    },
  };
}
