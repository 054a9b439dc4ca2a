/**
 * ZaloPay as a `PaymentProvider`. Owns the requests and the reading of answers; notice.ts reads what comes by itself.
 *
 * ZaloPay's manual names a call that voids an order, but not its address, so an order runs out by itself. It lives five
 * minutes at least, which may be longer than the hold: money that comes in between is late money like any other.
 * Protocol: https://docs.zalopay.vn/docs/specs/order-create, …/order-query, …/order-refund, …/order-query-refund;
 * codes: https://beta-docs.zalopay.vn/docs/developer-tools/knowledge-base/status-codes
 */
import { createHash } from 'node:crypto';
import {
  type Intent,
  type IntentRequest,
  type IntentState,
  type IntentStatus,
  type PaymentProvider,
  ProviderRefused,
  ProviderUnavailable,
  type RefundRequest,
} from '../../engine/payment.ts';
import { createJsonApi, type JsonApi } from '../json-api.ts';
import { vietnamDay } from '../vietnam-time.ts';
import { acknowledgeZalopay, readZalopayNotice, readZalopayReturn, type ZalopayTrust } from './notice.ts';
import { macOf, type ZalopayMessage } from './signing.ts';

export interface ZalopayOptions extends ZalopayTrust {
  readonly key1: string;
  /** @default https://openapi.zalopay.vn, which moves real money; theirs for tests is https://sb-openapi.zalopay.vn */
  readonly apiBase?: string;
  /** Where a browser comes back to, and where callbacks go. Asked anew each time. */
  readonly returnUrl: () => string;
  readonly callbackUrl: () => string;
  readonly timeoutMs: number;
  readonly now: () => number;
}

/** Bounds of `expire_duration_seconds`. */
const lifeSeconds = { min: 300, max: 2_592_000 };
const dayMs = 86_400_000;

interface Merchant extends ZalopayOptions {
  readonly api: JsonApi;
}

/** @throws when the address is neither https nor of this machine */
export function createZalopayProvider(options: ZalopayOptions): PaymentProvider {
  const { apiBase = 'https://openapi.zalopay.vn', timeoutMs } = options;
  const merchant = { ...options, api: createJsonApi({ name: 'zalopay', base: apiBase, timeoutMs }) };
  const readIntent = async (intentId: string) => toState(intentId, await query(merchant, intentId));
  return {
    name: 'zalopay',
    openIntent: (request) => openIntent(merchant, request),
    readIntent,
    cancelIntent: readIntent,
    refund: (request) => refund(merchant, request),
    readNotice: (rawBody) => readZalopayNotice(rawBody, options),
    acknowledge: acknowledgeZalopay,
    readReturn: (fields) => readZalopayReturn(fields, options),
  };
}

/**
 * A repetition after a lost answer is refused as a duplicate, and the order's address cannot be asked for again: then
 * nobody has it, nobody can pay that order, and the next attempt opens another.
 */
async function openIntent(merchant: Merchant, request: IntentRequest): Promise<Intent> {
  if (request.currency !== 'VND') throw new ProviderRefused(`zalopay: takes VND, not ${request.currency}`);
  const wantedSeconds = Math.ceil((request.payBeforeMs - request.requestedAtMs) / 1000);
  const answer = await ask(merchant, 'create', {
    app_trans_id: `${vietnamDay(request.requestedAtMs)}_${request.paymentId.replaceAll('-', '')}`,
    app_user: 'onsale',
    app_time: request.requestedAtMs,
    expire_duration_seconds: Math.min(Math.max(wantedSeconds, lifeSeconds.min), lifeSeconds.max),
    amount: request.amountMinor,
    item: '[]',
    description: `Onsale: booking ${request.bookingId}`,
    embed_data: JSON.stringify({ redirecturl: merchant.returnUrl(), booking_id: request.bookingId }),
    bank_code: '',
    callback_url: merchant.callbackUrl(),
  });
  const { order_url: redirectUrl } = answer.fields;
  if (answer.code !== 1 || typeof redirectUrl !== 'string') throw new ProviderRefused(answer.why);
  return { intentId: `${vietnamDay(request.requestedAtMs)}_${request.paymentId.replaceAll('-', '')}`, redirectUrl };
}

const query = (merchant: Merchant, intentId: string) => ask(merchant, 'query', { app_trans_id: intentId });

/**
 * A refund's id must begin with the day, so a repetition after midnight has another: before anything is sent, the ids of
 * today and of yesterday are asked for. (A whole refund cannot be given twice anyway; ZaloPay sees to that.)
 */
async function refund(merchant: Merchant, { intentId, amountMinor, idempotencyKey }: RefundRequest) {
  const nowMs = merchant.now();
  const [refundId, yesterdays] = [nowMs, nowMs - dayMs].map((atMs) => refundIdOf(merchant, idempotencyKey, atMs));
  for (const id of [refundId, yesterdays]) {
    const known = await ask(merchant, 'query_refund', { m_refund_id: id, timestamp: nowMs });
    if (known.code === 1) return { refundId: String(id) };
    if (known.code === 3) throw new ProviderUnavailable(`zalopay: refund ${id} is under way`);
  }
  const { fields } = await query(merchant, intentId);
  const asked = await ask(merchant, 'refund', {
    m_refund_id: refundId,
    zp_trans_id: String(fields.zp_trans_id ?? ''),
    amount: amountMinor,
    timestamp: nowMs,
    description: `Refund of ${intentId}`,
  });
  if (asked.code === 3) throw new ProviderUnavailable(`zalopay: refund ${refundId} is under way`);
  if (asked.code !== 1) throw new ProviderRefused(asked.why);
  return { refundId: String(refundId) };
}

function refundIdOf({ appId }: Merchant, idempotencyKey: string, atMs: number): string {
  return `${vietnamDay(atMs)}_${appId}_${createHash('sha256').update(idempotencyKey).digest('hex').slice(0, 20)}`;
}

interface Answer {
  /** 1 done, 2 failed, 3 under way. */
  readonly code: number;
  readonly why: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Sub-codes by which ZaloPay says that it cannot say: too many calls, a fault, maintenance. */
const inconclusiveCodes = new Set([-429, -500, -999]);

async function ask({ api, appId, key1 }: Merchant, kind: ZalopayMessage, body: object): Promise<Answer> {
  const asked = { app_id: appId, ...body };
  const fields = await api.call(`/v2/${kind}`, { ...asked, mac: macOf(kind, asked, key1) });
  const { return_code: code, sub_return_code: subCode, return_message: message } = fields;
  const why = `zalopay: ${kind}: ${String(code)}/${String(subCode)} ${String(message)}`;
  if (typeof code !== 'number' || inconclusiveCodes.has(Number(subCode))) throw new ProviderUnavailable(why);
  return { code, why, fields };
}

const statuses: Readonly<Record<number, IntentStatus>> = { 1: 'succeeded', 2: 'cancelled' };

function toState(intentId: string, { code, fields }: Answer): IntentState {
  const status = statuses[code] ?? 'processing';
  const { amount } = fields;
  if (status === 'succeeded' && !Number.isSafeInteger(amount))
    throw new ProviderUnavailable(`zalopay: ${intentId} was paid, and nobody says how much`);
  return {
    intentId,
    status,
    amountMinor: typeof amount === 'number' ? amount : 0,
    currency: 'VND',
    bookingId: null,
    declineCode: status === 'cancelled' ? `zalopay_${String(fields.sub_return_code)}` : null,
    // A query of an order does not tell: refunds are asked for by their own ids.
    refundedMinor: 0,
  };
}
