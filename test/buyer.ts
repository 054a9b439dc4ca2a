/** A buyer with an account, over HTTP: what a shop's page would send, and what it would be shown. */
import { randomUUID } from 'node:crypto';
import { expect, vi } from 'vitest';

/** A whole answer. `data` is there on success, `error` on refusal: a test that looks at the wrong one fails. */
export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  /** The body to the byte. */
  readonly text: string;
  readonly data: T;
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly details: Readonly<Record<string, unknown>>;
  };
  readonly meta: { readonly next_cursor: string | null };
}

export interface BookingShown {
  readonly booking_id: string;
  readonly event_id: string;
  readonly zone_id: string;
  readonly status: string;
  readonly quantity: number;
  readonly total_amount: number;
  readonly currency: string;
  readonly created_at: string;
  readonly expires_at: string;
}

export interface PaymentShown {
  readonly payment_id: string;
  readonly booking_id: string;
  readonly provider: string;
  readonly client_secret: string;
  readonly redirect_url: string;
  readonly amount: number;
  readonly currency: string;
  readonly status: string;
}

export interface TicketShown {
  readonly code: string;
  readonly zone_id: string;
  readonly number: number;
  readonly qr: string;
  readonly qr_svg: string;
}

interface TimelineShown {
  readonly at: string;
  readonly what: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface Order {
  readonly event_id: string;
  readonly zone_id: string;
  readonly quantity: number;
  readonly [field: string]: unknown;
}

export interface Buyer {
  readonly userId: string;
  readonly token: string;
  ask<T>(path: string, init?: RequestInit): Promise<Answer<T>>;
  post<T>(path: string, body?: unknown): Promise<Answer<T>>;
  /** With a key of its own unless one is given. */
  reserve(order: Order, key?: string): Promise<Answer<BookingShown>>;
  /** The id of a hold that must succeed. */
  hold(order: Order): Promise<string>;
  booking(bookingId: string): Promise<Answer<BookingShown>>;
  cancel(bookingId: string): Promise<Answer<BookingShown>>;
  confirm(bookingId: string): Promise<Answer<BookingShown>>;
  /** With Stripe, unless `more` says otherwise. */
  pay(bookingId: string, more?: object): Promise<Answer<PaymentShown>>;
  tickets(bookingId: string): Promise<readonly TicketShown[]>;
  timeline(bookingId: string): Promise<readonly TimelineShown[]>;
  /** Resolves when the booking is in this status; fails when that does not happen. */
  sees(bookingId: string, status: string): Promise<BookingShown>;
  seatsLeft(eventId: string): Promise<number>;
}

const base = '/api/v1';

/** Makes an account and logs in. `address` is asked before each request, for a node may have moved. */
export async function registerBuyer(address: () => string): Promise<Buyer> {
  const account = { email: `${randomUUID()}@e2e.test`, password: 'Correct-horse-9', name: 'A buyer' };
  const anonymous = buyerWith(address, { userId: '', token: '' });
  const registered = await anonymous.post<unknown>('/auth/register', account);
  expect(registered.status, registered.text).toBe(201);
  const { email, password } = account;
  const session = await anonymous.post<{ access_token: string; user: { id: string } }>('/auth/login', {
    email,
    password,
  });
  return buyerWith(address, { userId: session.data.user.id, token: session.data.access_token });
}

export function buyerWith(address: () => string, who: { readonly userId: string; readonly token: string }): Buyer {
  const ask: Buyer['ask'] = async (path, init = {}) => {
    const headers = new Headers(init.headers);
    if (who.token && !headers.has('authorization')) headers.set('Authorization', `Bearer ${who.token}`);
    const response = await fetch(`${address()}${base}${path}`, { ...init, headers });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, ...(isJson(response) ? JSON.parse(text) : {}) };
  };
  const send = <T>(path: string, body: unknown, headers: Record<string, string> = {}) =>
    ask<T>(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const reserve: Buyer['reserve'] = (order, key = randomUUID()) =>
    send('/bookings/reserve', order, { 'Idempotency-Key': key });
  const booking: Buyer['booking'] = (id) => ask(`/bookings/${id}`);
  return {
    ...who,
    ask,
    post: (path, body = {}) => send(path, body),
    reserve,
    async hold(order) {
      const held = await reserve(order);
      expect(held.status, held.text).toBe(201);
      return held.data.booking_id;
    },
    booking,
    cancel: (id) => send(`/bookings/${id}/cancel`, {}),
    confirm: (id) => send(`/bookings/${id}/confirm`, {}),
    pay: (booking_id, more = {}) => send('/payments', { booking_id, ...more }),
    tickets: async (id) => (await ask<TicketShown[]>(`/bookings/${id}/tickets`)).data,
    timeline: async (id) => (await ask<TimelineShown[]>(`/bookings/${id}/timeline`)).data,
    sees: (id, status) =>
      eventually(async () => {
        const { data, text } = await booking(id);
        expect(data?.status, text).toBe(status);
        return data;
      }),
    async seatsLeft(eventId) {
      const { data } = await ask<{ remaining_slots: number }>(`/bookings/summary?event_id=${eventId}`);
      return data.remaining_slots;
    },
  };
}

function isJson(response: Response): boolean {
  return response.headers.get('content-type')?.startsWith('application/json') ?? false;
}

/** Tries until it passes. The limit only ends a test that will never pass. */
export function eventually<T>(attempt: () => Promise<T> | T): Promise<T> {
  return vi.waitFor(attempt, { timeout: 20_000, interval: 20 });
}
