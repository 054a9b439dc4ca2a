/** What is wanted of an event, and holding it: the form of the event's page. */
import { useState } from 'preact/hooks';
import type { Refusal } from '../api/refusal.ts';
import type { EventShape, Zone } from '../api/shapes.ts';
import { reserve } from '../api/shop.ts';
import { fulfil, intentionFor, keptIntention, randomKey } from '../booking/intention.ts';
import { money, say } from '../language/words.ts';
import { useObserved } from '../observed.ts';
import { RefusalAlert } from '../page/page.tsx';
import { go, loginAddress } from '../router.ts';
import { account } from '../session/session.ts';
import { PassCountdown } from '../waiting-room/pass.tsx';
import type { Place } from '../waiting-room/place.ts';
import { Quantity } from './quantity.tsx';
import { isForSale, ZoneChoice } from './zone-choice.tsx';

interface OrderProps {
  readonly event: EventShape;
  readonly zones: readonly Zone[];
  /** Where the person stands in the event's waiting room; null: nowhere, as far as is known. */
  readonly place: Place | null;
}

/** What is chosen; at first what this tab wanted before, else the first zone that has anything. */
function useChoice({ event, zones }: Pick<OrderProps, 'event' | 'zones'>) {
  const [kept] = useState(() => keptIntention(sessionStorage, event.id));
  const [zoneId, setZoneId] = useState(kept?.zoneId ?? null);
  const [wish, setWish] = useState(kept?.quantity ?? 1);
  const zone = zones.find(({ id }) => id === zoneId) ?? zones.find(isForSale) ?? null;
  const max = Math.max(1, Math.min(event.max_per_user, zone?.available ?? 1));
  return { zone, setZoneId, max, quantity: Math.min(wish, max), setQuantity: setWish };
}

export function Order({ event, zones, place }: OrderProps) {
  const { zone, setZoneId, max, quantity, setQuantity } = useChoice({ event, zones });
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);
  const person = useObserved(account);
  const [passOver, setPassOver] = useState<string | null>(null);
  const pass = place?.stage === 'admitted' && place.pass.token !== passOver ? place.pass : null;
  const needsPass = refusal?.code === 'QUEUE_PASS_REQUIRED' || refusal?.code === 'QUEUE_PASS_INVALID';
  const mayChoose = (!event.waiting_room || pass !== null) && !needsPass;

  const hold = async (wantedZone: Zone) => {
    const wanted = { eventId: event.id, zoneId: wantedZone.id, quantity };
    const { key } = intentionFor(sessionStorage, wanted, randomKey);
    if (person === null) {
      go(loginAddress());
      return;
    }
    setBusy(true);
    setRefusal(null);
    const answer = await reserve(wanted, key, pass?.token ?? null);
    setBusy(false);
    if (answer.ok) {
      fulfil(sessionStorage, event.id);
      go(`/bookings/${answer.value.booking_id}`);
    } else setRefusal(answer.refusal);
  };

  return (
    <form
      class="order"
      onSubmit={(submitted) => {
        submitted.preventDefault();
        if (zone !== null && !busy) void hold(zone);
      }}
    >
      <ZoneChoice zones={zones} chosenId={zone?.id ?? null} choose={setZoneId} />
      <div class="order-side card">
        {pass !== null && <PassCountdown pass={pass} over={() => setPassOver(pass.token)} />}
        {mayChoose ? (
          <>
            <Quantity value={quantity} max={max} change={setQuantity} />
            <p class="hint">{say('event.limit', { count: event.max_per_user })}</p>
            {zone !== null && <Total zone={zone} quantity={quantity} />}
            {refusal !== null && <RefusalAlert refusal={refusal} />}
            <button
              type="submit"
              class="button button-wide"
              disabled={zone === null || !isForSale(zone)}
              aria-disabled={busy}
            >
              {holdWords(busy, person !== null, quantity)}
            </button>
            <p class="hint">{say('event.holdNote')}</p>
          </>
        ) : (
          <>
            {refusal !== null && <RefusalAlert refusal={refusal} />}
            <WayIn event={event} place={place} passOver={passOver !== null || isOver(place)} />
          </>
        )}
      </div>
    </form>
  );
}

/** To the waiting room; or, for whoever used their pass, to what they hold. */
function WayIn({ event, place, passOver }: Pick<OrderProps, 'event' | 'place'> & { readonly passOver: boolean }) {
  if (place?.stage === 'checkout' && place.bookingId !== null) {
    return (
      <>
        <p>{say('booking.reservedMore')}</p>
        <a class="button button-wide" href={`/bookings/${place.bookingId}`}>
          {say('booking.payNow')}
        </a>
      </>
    );
  }
  return (
    <>
      <p role={passOver ? 'alert' : undefined}>{say(passOver ? 'room.passExpired' : 'event.joinNote')}</p>
      <a class="button button-wide" href={`/events/${event.slug}/waiting-room`}>
        {say('event.join')}
      </a>
    </>
  );
}

/** The shop says so, too, when the pass was not used in time. */
function isOver(place: Place | null): boolean {
  return place?.stage === 'absent' && place.left === 'pass_expired';
}

function holdWords(busy: boolean, loggedIn: boolean, quantity: number): string {
  if (busy) return say('event.holding');
  return loggedIn ? say('event.hold', { count: quantity }) : say('event.logInToHold');
}

function Total({ zone, quantity }: { readonly zone: Zone; readonly quantity: number }) {
  return (
    <p class="total">
      <span>{say('event.total')}</span>
      <strong>{money(zone.price * quantity, zone.currency)}</strong>
    </p>
  );
}
