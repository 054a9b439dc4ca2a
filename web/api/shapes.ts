/** What the API answers, in the types of the schemas that it validates with: a change there does not compile here. */
import type { z } from 'zod';
import type { accountView, sessionView } from '../../http/account-view.ts';
import type { bookingView, reservationView } from '../../http/booking-view.ts';
import type { eventView, showView, zoneView } from '../../http/event-view.ts';
import type { begunPaymentView } from '../../http/payment-view.ts';
import type { ticketView } from '../../http/ticket-view.ts';

export type Account = z.output<typeof accountView>;
export type SessionShape = z.output<typeof sessionView>;
export type EventShape = z.output<typeof eventView>;
export type Show = z.output<typeof showView>;
export type Zone = z.output<typeof zoneView>;
export type Booking = z.output<typeof bookingView>;
export type Reservation = z.output<typeof reservationView>;
export type BegunPayment = z.output<typeof begunPaymentView>;
export type Ticket = z.output<typeof ticketView>;
