/** The tickets of all confirmed bookings, the newest first; those of the first are open. */
import { useState } from 'preact/hooks';
import type { Booking } from '../api/shapes.ts';
import { listBookings } from '../api/shop.ts';
import { useSeatNames } from '../booking/seat-names.ts';
import { say } from '../language/words.ts';
import { useLoaded } from '../loaded.ts';
import { Loading, Page, RefusalPage } from '../page/page.tsx';
import { TicketList } from './ticket-list.tsx';

export function TicketsPage() {
  const answer = useLoaded((signal) => listBookings(null, signal), []);
  if (answer !== null && !answer.ok) return <RefusalPage refusal={answer.refusal} />;
  const confirmed = answer?.value.filter(({ status }) => status === 'confirmed') ?? [];
  return (
    <Page title={say('shop.tickets')}>
      {answer === null && <Loading />}
      {answer !== null && confirmed.length === 0 && <NoTickets />}
      {confirmed.map((booking, at) => (
        <TicketsOfBooking key={booking.booking_id} booking={booking} openAtFirst={at === 0} />
      ))}
    </Page>
  );
}

function NoTickets() {
  return (
    <>
      <p>{say('ticket.none')}</p>
      <p>
        <a class="button" href="/">
          {say('shop.toEvents')}
        </a>
      </p>
    </>
  );
}

function TicketsOfBooking({ booking, openAtFirst }: { readonly booking: Booking; readonly openAtFirst: boolean }) {
  const [open, setOpen] = useState(openAtFirst);
  const names = useSeatNames(booking);
  return (
    <details class="ticket-group" open={openAtFirst} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <strong>{names?.event?.name ?? '…'}</strong>{' '}
        <span class="hint">
          {names?.zone && `${say('booking.zone', { zone: names.zone.name })} · `}
          {say('booking.seats', { count: booking.quantity })}
        </span>
      </summary>
      {open && <TicketList booking={booking} eventName={names?.event?.name ?? ''} zoneName={names?.zone?.name ?? ''} />}
    </details>
  );
}
