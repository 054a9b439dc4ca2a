/** Held tickets, counted down by the shop's clock, and the ways on: pay, or give them back. */
import { useState } from 'preact/hooks';
import type { Refusal } from '../api/refusal.ts';
import type { Booking } from '../api/shapes.ts';
import { giveBack } from '../api/shop.ts';
import { minutesAndSeconds, roughly, say } from '../language/words.ts';
import { Page, RefusalAlert } from '../page/page.tsx';
import { Payment } from '../payment/payment.tsx';
import { BookingSummary } from './booking-summary.tsx';
import { type ServerClock, useCountdown } from './server-clock.ts';

interface CheckoutProps {
  readonly booking: Booking;
  readonly clock: ServerClock;
  /** The booking is another now, or may be. */
  readonly changed: () => void;
}

export function Checkout({ booking, clock, changed }: CheckoutProps) {
  return (
    <Page title={say('hold.title')}>
      <HoldCountdown booking={booking} clock={clock} changed={changed} />
      <div class="checkout">
        <Payment booking={booking} changed={changed} />
        <div class="checkout-side">
          <BookingSummary booking={booking} />
          <GiveBack booking={booking} changed={changed} />
        </div>
      </div>
    </Page>
  );
}

/** From here on the time is shown as running out. */
const urgentSeconds = 60;
/** When a screen reader is told how much is left; every second would talk over everything else. */
const spokenSeconds = [300, 120, 60, 30, 10];

function HoldCountdown({ booking, clock, changed }: CheckoutProps) {
  const seconds = useCountdown(Date.parse(booking.expires_at), clock, changed);
  const spoken = spokenSeconds.findLast((moment) => seconds <= moment);
  return (
    <>
      <p class={`countdown${seconds <= urgentSeconds ? ' countdown-urgent' : ''}`}>
        <span>{say(seconds > 0 ? 'hold.left' : 'hold.over')}</span>{' '}
        <strong role="timer">{minutesAndSeconds(seconds)}</strong>
      </p>
      <p class="visually-hidden" role="status">
        {spoken !== undefined && say('hold.leftSpoken', { time: roughly(spoken) })}
      </p>
    </>
  );
}

function GiveBack({ booking, changed }: Pick<CheckoutProps, 'booking' | 'changed'>) {
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState(false);
  const give = async () => {
    setBusy(true);
    const answer = await giveBack(booking.booking_id);
    setBusy(false);
    if (answer.ok) changed();
    else setRefusal(answer.refusal);
  };
  return (
    <>
      {refusal !== null && <RefusalAlert refusal={refusal} />}
      <button type="button" class="button-plain" aria-disabled={busy} onClick={() => void (busy || give())}>
        {say(busy ? 'hold.givingBack' : 'hold.giveBack')}
      </button>
    </>
  );
}
