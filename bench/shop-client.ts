/**
 * The API as a buyer's app uses it: what is asked, and what the answers mean to a buyer. An answer that the API does
 * not promise is an error, which fails the run.
 */
import type { Answer, HttpClient } from './http-client.ts';

export interface ZoneBoard {
  readonly zoneId: string;
  readonly capacity: number;
  readonly available: number;
  readonly held: number;
  readonly sold: number;
}

export interface HeldSeats {
  readonly bookingId: string;
  readonly zoneId: string;
  readonly quantity: number;
  readonly expiresAtMs: number;
}

export type BookingState = 'reserved' | 'confirmed' | 'cancelled' | 'expired' | 'refunded';

export interface Wish {
  readonly token: string;
  readonly key: string;
  readonly zoneId: string;
  readonly quantity: number;
  /** Where the event has a waiting room. */
  readonly pass?: string;
}

export interface ShopClient {
  zones(): Promise<readonly ZoneBoard[]>;
  /** `left`: how many seats the zone still had; the user may have too many already. */
  reserve(
    wish: Wish,
  ): Promise<HeldSeats | { readonly refused: 'too-few'; readonly left: number } | { readonly refused: 'limit' }>;
  /** The client secret; null when the booking can no longer be paid. */
  pay(token: string, bookingId: string): Promise<string | null>;
  /** Confirms at the provider, as the buyer's browser does. */
  card(clientSecret: string, number: string): Promise<'taken' | 'declined' | 'void'>;
  /** Asks to settle now. `unpaid`: declined, or not paid yet. `gone`: look at the booking. */
  confirm(token: string, bookingId: string): Promise<'confirmed' | 'unpaid' | 'gone'>;
  /** `gone`: it is not held any more; look at the booking. */
  cancel(token: string, bookingId: string): Promise<'cancelled' | 'gone'>;
  look(token: string, bookingId: string): Promise<{ readonly status: BookingState; readonly expiresAtMs: number }>;
}

interface Place {
  readonly baseUrl: string;
  readonly sandboxUrl: string;
  readonly eventId: string;
  readonly showId: string;
}

export function createShopClient(http: HttpClient, { baseUrl, sandboxUrl, eventId, showId }: Place): ShopClient {
  const api = `${baseUrl}/api/v1`;
  const bearer = (token: string) => ({ authorization: `Bearer ${token}`, 'content-type': 'application/json' });
  const post = (call: string, path: string, token: string, body?: object) => {
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    return http.insist({ call, method: 'POST', url: `${api}${path}`, headers: bearer(token), ...text });
  };
  return {
    async zones() {
      const answer = await http.send({ call: 'zones', method: 'GET', url: `${api}/shows/${showId}/zones` });
      return dataOf<ZoneBody[]>(answer, 200).map(({ id, ...zone }) => ({ zoneId: id, ...zone }));
    },
    async reserve({ token, key, zoneId, quantity, pass }) {
      const answer = await http.insist({
        call: 'reserve',
        method: 'POST',
        url: `${api}/bookings/reserve`,
        headers: { ...bearer(token), 'idempotency-key': key, ...(pass ? { 'x-queue-pass': pass } : {}) },
        body: JSON.stringify({ event_id: eventId, zone_id: zoneId, quantity }),
      });
      const error = errorOf(answer);
      if (error?.code === 'INSUFFICIENT_STOCK') return { refused: 'too-few', left: Number(error.details?.available) };
      if (error?.code === 'MAX_PER_USER_EXCEEDED') return { refused: 'limit' };
      const { booking_id: bookingId, expires_at: expiresAt } = dataOf<BookingBody>(answer, 201);
      return { bookingId, zoneId, quantity, expiresAtMs: Date.parse(expiresAt) };
    },
    async pay(token, bookingId) {
      const answer = await post('pay', '/payments', token, { booking_id: bookingId });
      if (answer.status === 409 || answer.status === 410) return null;
      return dataOf<{ client_secret: string }>(answer, 201).client_secret;
    },
    async card(clientSecret, number) {
      const [intentId] = clientSecret.split('_secret_');
      const form = {
        'payment_method_data[type]': 'card',
        'payment_method_data[card][number]': number,
        client_secret: clientSecret,
      };
      const answer = await http.insist({
        call: 'card',
        method: 'POST',
        url: `${sandboxUrl}/v1/payment_intents/${intentId}/confirm`,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(form).toString(),
      });
      if (answer.status === 200) return 'taken';
      if (answer.status === 402) return 'declined';
      // After a lost answer: the intent tells what became of it.
      const { error } = answer.body as { error?: { payment_intent?: { status?: string } } };
      return error?.payment_intent?.status === 'succeeded' ? 'taken' : 'void';
    },
    async confirm(token, bookingId) {
      const answer = await post('confirm', `/bookings/${bookingId}/confirm`, token);
      if (answer.status === 402) return 'unpaid';
      if (answer.status === 409 || answer.status === 410) return 'gone';
      const { status } = dataOf<BookingBody>(answer, 200);
      return status === 'confirmed' ? 'confirmed' : 'gone';
    },
    async cancel(token, bookingId) {
      const answer = await post('cancel', `/bookings/${bookingId}/cancel`, token);
      if (answer.status === 409 || answer.status === 410) return 'gone';
      return dataOf<BookingBody>(answer, 200).status === 'cancelled' ? 'cancelled' : 'gone';
    },
    async look(token, bookingId) {
      const url = `${api}/bookings/${bookingId}`;
      const answer = await http.insist({ call: 'look', method: 'GET', url, headers: bearer(token) });
      const { status, expires_at: expiresAt } = dataOf<BookingBody>(answer, 200);
      return { status, expiresAtMs: Date.parse(expiresAt) };
    },
  };
}

interface ZoneBody extends Omit<ZoneBoard, 'zoneId'> {
  readonly id: string;
}

interface BookingBody {
  readonly booking_id: string;
  readonly status: BookingState;
  readonly expires_at: string;
}

interface ErrorBody {
  readonly code: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

function dataOf<T>({ status, body }: Answer, expected: number): T {
  if (status !== expected) throw new Error(`answered ${status} instead of ${expected}: ${JSON.stringify(body)}`);
  return (body as { data: T }).data;
}

function errorOf({ body }: Answer): ErrorBody | null {
  return (body as { error?: ErrorBody } | null)?.error ?? null;
}
