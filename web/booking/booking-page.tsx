/** One booking, whatever became of it: to be paid, confirmed with its tickets, or over. */
import { useEffect } from 'preact/hooks';
import type { Answer } from '../api/refusal.ts';
import type { Booking } from '../api/shapes.ts';
import { readBooking } from '../api/shop.ts';
import { say } from '../language/words.ts';
import { useReloadable } from '../loaded.ts';
import { Loading, Page, RefusalPage } from '../page/page.tsx';
import { TicketList } from '../ticket/ticket-list.tsx';
import { followPlace } from '../waiting-room/place.ts';
import { BookingSummary } from './booking-summary.tsx';
import { Checkout } from './checkout.tsx';
import { useSeatNames } from './seat-names.ts';
import { clockSetBy, type ServerClock } from './server-clock.ts';

interface Shown {
  readonly booking: Answer<Booking>;
  readonly clock: ServerClock;
}

async function readShown(id: string, signal: AbortSignal): Promise<Shown> {
  const askedAtMs = performance.now();
  const booking = await readBooking(id, signal);
  const serverTime = booking.ok ? String(booking.meta.server_time) : '';
  return { booking, clock: clockSetBy(serverTime, { askedAtMs, cameAtMs: performance.now() }) };
}

/** Paid, given back or run out, perhaps in another tab or on another device: then it is read again. */
function useNewsOf(booking: Booking | null, changed: () => void): void {
  const eventId = booking?.status === 'reserved' ? booking.event_id : null;
  const id = booking?.booking_id;
  useEffect(() => {
    if (eventId === null) return;
    const ofThis = (changedId: string) => changedId === id && changed();
    return followPlace(eventId, { place: () => {}, booking: ofThis });
  }, [eventId, id, changed]);
}

export function BookingPage({ id }: { readonly id: string }) {
  const [shown, readAgain] = useReloadable((signal) => readShown(id, signal), [id]);
  useNewsOf(shown?.booking.ok ? shown.booking.value : null, readAgain);
  if (shown === null) return <Loading />;
  if (!shown.booking.ok) return <RefusalPage refusal={shown.booking.refusal} />;
  const booking = shown.booking.value;
  switch (booking.status) {
    case 'reserved':
      return <Checkout booking={booking} clock={shown.clock} changed={readAgain} />;
    case 'confirmed':
      return <Confirmed booking={booking} />;
    default:
      return <Ended booking={booking} />;
  }
}

function Confirmed({ booking }: { readonly booking: Booking }) {
  const names = useSeatNames(booking);
  return (
    <Page title={say('ticket.thanks')}>
      <p class="lead">{say('ticket.show')}</p>
      <TicketList booking={booking} eventName={names?.event?.name ?? ''} zoneName={names?.zone?.name ?? ''} />
      <BookingSummary booking={booking} />
    </Page>
  );
}

const endedWords = {
  cancelled: ['booking.cancelled', 'booking.cancelledMore'],
  expired: ['hold.over', 'booking.expiredMore'],
  refunded: ['booking.refunded', 'booking.refundedMore'],
} as const;

function Ended({ booking }: { readonly booking: Booking }) {
  const names = useSeatNames(booking);
  const [title, more] = endedWords[booking.status as keyof typeof endedWords];
  return (
    <Page title={say(title)} width="narrow">
      <p class="lead">{say(more)}</p>
      <BookingSummary booking={booking} />
      <p>
        <a class="button" href={names?.event ? `/events/${names.event.slug}` : '/'}>
          {say('booking.again')}
        </a>
      </p>
    </Page>
  );
}
