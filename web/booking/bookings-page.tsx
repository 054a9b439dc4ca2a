/** All bookings of the person, the newest first. */
import { useEffect, useState } from 'preact/hooks';
import type { Booking } from '../api/shapes.ts';
import { listBookings } from '../api/shop.ts';
import { dayMonthYear, money, say } from '../language/words.ts';
import { useLoaded } from '../loaded.ts';
import { Loading, Page, RefusalAlert } from '../page/page.tsx';
import { useSeatNames } from './seat-names.ts';

export function BookingsPage() {
  const [cursor, setCursor] = useState<string | null>(null);
  const [bookings, setBookings] = useState<readonly Booking[]>([]);
  const page = useLoaded((signal) => listBookings(cursor, signal), [cursor]);
  useEffect(() => {
    if (page?.ok) setBookings((before) => [...before, ...page.value]);
  }, [page]);
  const next = page?.ok ? (page.meta.next_cursor as string | null) : null;
  return (
    <Page title={say('shop.bookings')}>
      {page?.ok && bookings.length === 0 && page.value.length === 0 && <NoBookings />}
      <ul class="rows">
        {bookings.map((booking) => (
          <li key={booking.booking_id}>
            <BookingRow booking={booking} />
          </li>
        ))}
      </ul>
      {page === null && <Loading />}
      {page !== null && !page.ok && <RefusalAlert refusal={page.refusal} />}
      {next !== null && (
        <button type="button" class="button button-quiet" onClick={() => setCursor(next)}>
          {say('booking.more')}
        </button>
      )}
    </Page>
  );
}

function NoBookings() {
  return (
    <>
      <p>{say('booking.none')}</p>
      <p>
        <a class="button" href="/">
          {say('shop.toEvents')}
        </a>
      </p>
    </>
  );
}

function BookingRow({ booking }: { readonly booking: Booking }) {
  const names = useSeatNames(booking);
  return (
    <article class={`card row row-${booking.status}`}>
      <div>
        <h2>
          <a class="covers-card" href={`/bookings/${booking.booking_id}`}>
            {names === null ? '…' : (names.event?.name ?? say('booking.gone'))}
          </a>
        </h2>
        <p class="hint">
          {names?.zone && `${say('booking.zone', { zone: names.zone.name })} · `}
          {say('booking.seats', { count: booking.quantity })} · {money(booking.total_amount, booking.currency)} ·{' '}
          <time dateTime={booking.created_at}>{dayMonthYear(booking.created_at)}</time>
        </p>
      </div>
      <span class={`badge badge-${booking.status}`}>{say(`booking.${booking.status}`)}</span>
    </article>
  );
}
