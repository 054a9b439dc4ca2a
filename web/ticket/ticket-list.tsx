/** The tickets of a confirmed booking, each with its QR code. */
import type { ComponentChild } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Booking, Ticket } from '../api/shapes.ts';
import { listTickets, readQrCode } from '../api/shop.ts';
import { say } from '../language/words.ts';
import { useLoaded, useRepeated } from '../loaded.ts';
import { Loading, RefusalAlert } from '../page/page.tsx';

/** Tickets are issued a moment after the booking is confirmed. */
const issuedEveryMs = 1_000;

interface TicketListProps {
  readonly booking: Booking;
  readonly eventName: string;
  readonly zoneName: string;
}

export function TicketList({ booking, eventName, zoneName }: TicketListProps) {
  const answer = useIssued(booking.booking_id);
  if (answer === null) return <Loading />;
  if (!answer.ok) return <RefusalAlert refusal={answer.refusal} />;
  if (answer.value.length === 0) return <p role="status">{say('ticket.issuing')}</p>;
  return (
    <ol class="tickets">
      {answer.value.map((ticket) => (
        <li key={ticket.code} class="ticket">
          <div class="ticket-words">
            <p class="ticket-event">{eventName}</p>
            <p class="ticket-zone">{say('booking.zone', { zone: zoneName })}</p>
            <p class="hint">
              {say('ticket.one', { number: ticket.number, total: answer.value.length })}
              <br />
              {say('ticket.code')} <code>{ticket.code.slice(-8).toUpperCase()}</code>
            </p>
          </div>
          <QrCode ticket={ticket} />
        </li>
      ))}
    </ol>
  );
}

/** Asked for until there are some. */
function useIssued(bookingId: string) {
  const once = useLoaded((signal) => listTickets(bookingId, signal), [bookingId]);
  const pending = once?.ok === true && once.value.length === 0;
  const later = useRepeated(
    async (signal) => (pending ? await listTickets(bookingId, signal) : null),
    () => issuedEveryMs,
    [bookingId, pending],
  );
  return later ?? once;
}

function QrCode({ ticket }: { readonly ticket: Ticket }): ComponentChild {
  const place = useRef<HTMLSpanElement>(null);
  const svg = useLoaded(async (signal) => ({ text: await readQrCode(ticket, signal) }), [ticket.code]);
  useEffect(() => {
    if (!svg?.text) return;
    // Parsed, not set as markup: what is no SVG image does nothing.
    const image = new DOMParser().parseFromString(svg.text, 'image/svg+xml').documentElement;
    place.current?.replaceChildren(document.importNode(image, true));
  }, [svg]);
  if (svg !== null && svg.text === null) return <p class="hint">{say('ticket.noImage')}</p>;
  return <span ref={place} class="qr" role="img" aria-label={say('ticket.qr', { number: ticket.number })} />;
}
