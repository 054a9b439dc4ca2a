/** Tickets of a confirmed booking: the signed text for a scanner, and the same as a QR code. */
import { toString as qrSvg } from 'qrcode';
import { z } from 'zod';
import { timeText } from '../booking-view.ts';
import { defineRoute, type Route } from '../route.ts';
import { ticketView } from '../ticket-view.ts';

const area = 'Tickets';

const ofBooking = defineRoute({
  method: 'GET',
  path: '/api/v1/bookings/:id/tickets',
  area,
  summary: 'The tickets of one of my bookings; empty until it is confirmed',
  who: 'user',
  limit: 'general',
  params: z.object({ id: z.uuid() }),
  answers: {
    200: z.array(ticketView),
  },
  refusals: ['NOT_FOUND'],
  async handle(call, { bookings, tickets, ticketSeal }) {
    const booking = await bookings.findOwned(call.user.id, call.params.id);
    if (!booking) {
      call.refuse({ code: 'NOT_FOUND' });
      return;
    }
    const issued = await tickets.ofBooking(call.user.id, booking);
    const views = issued.map(async (ticket) => ({
      code: ticket.code,
      zone_id: ticket.zoneId,
      number: ticket.number,
      issued_at: timeText(ticket.issuedAtMs),
      qr: await ticketSeal.seal(ticket),
      qr_svg: `/api/v1/tickets/${ticket.code}/qr.svg`,
    }));
    call.reply(200, await Promise.all(views));
  },
});

const qrCode = defineRoute({
  method: 'GET',
  path: '/api/v1/tickets/:code/qr.svg',
  area,
  summary: 'The QR code of one of my tickets',
  who: 'user',
  limit: 'general',
  params: z.object({ code: z.string().regex(/^[0-9a-f]{32}$/) }),
  answers: { 200: { mediaType: 'image/svg+xml' } },
  refusals: ['NOT_FOUND'],
  async handle(call, { tickets, ticketSeal }) {
    const ticket = await tickets.findOwned(call.user.id, call.params.code);
    if (ticket)
      call.send(
        200,
        'image/svg+xml',
        await qrSvg(await ticketSeal.seal(ticket), { type: 'svg', errorCorrectionLevel: 'M' }),
      );
    else call.refuse({ code: 'NOT_FOUND' });
  },
});

export const ticketRoutes: readonly Route[] = [ofBooking, qrCode];
