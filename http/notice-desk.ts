/**
 * What becomes of a provider's notice between its arrival and its acknowledgement. Knows no provider's words: the
 * adapter reads the notice, and says how the answer is to be put.
 */
import type { NoticeTaken, PaymentNotice, PaymentProvider } from '../engine/payment.ts';
import type { ProviderOrder } from '../engine/reads.ts';
import type { Deps } from './deps.ts';
import type { AnyCall } from './route.ts';

export interface Delivery {
  readonly sender: PaymentProvider;
  readonly rawBody: Uint8Array;
  /** Empty where the signature is not in a header. */
  readonly signature: string;
}

/** Reads, stores and acknowledges one delivery. A signed notice that cannot be stored is not acknowledged. */
export async function takeNotice(call: AnyCall, delivery: Delivery, deps: Deps): Promise<void> {
  const { sender, rawBody, signature } = delivery;
  const receivedAtMs = deps.clock.now();
  const read = sender.readNotice(rawBody, signature, receivedAtMs);
  if (!read.ok) {
    const taken = read.rejection.code === 'UNAUTHORIZED' ? 'unsigned' : 'unreadable';
    if (sender.acknowledge) acknowledge(call, sender.acknowledge(taken));
    else call.refuse(read.rejection);
    return;
  }
  const taken = await keep(delivery, { notice: read.value, receivedAtMs }, deps);
  if (sender.acknowledge) acknowledge(call, sender.acknowledge(taken));
  else call.reply(200, { received: true });
}

async function keep(
  { sender, rawBody }: Delivery,
  { notice, receivedAtMs }: { readonly notice: PaymentNotice; readonly receivedAtMs: number },
  { payments, storeNotice }: Deps,
): Promise<NoticeTaken> {
  const order = asksForOrder(sender, notice) ? await payments.findOrder(sender.name, notice.intentId) : null;
  const known =
    order && notice.kind !== 'ignored' ? { ...notice, bookingId: order.bookingId, eventId: order.eventId } : notice;
  const isNew = await storeNotice({ provider: sender.name, notice: known, rawBody, receivedAtMs });
  if (known.kind === 'ignored') return isNew ? 'stored' : 'repeated';
  if (!known.bookingId) return 'unknown-order';
  // It is told all the same: the saga then asks the provider, and an operator sees it.
  if (order && known.kind === 'succeeded' && !isAmountOf(order, known)) return 'wrong-amount';
  return isNew ? 'stored' : 'repeated';
}

/** Our books are asked where the notice does not name the booking, or where the provider wants to hear what they say. */
function asksForOrder(
  { acknowledge }: PaymentProvider,
  notice: PaymentNotice,
): notice is Exclude<PaymentNotice, { kind: 'ignored' }> {
  return notice.kind !== 'ignored' && (notice.bookingId === null || acknowledge !== undefined);
}

type Money = Pick<ProviderOrder, 'amountMinor' | 'currency'>;

function isAmountOf(order: ProviderOrder, money: Money): boolean {
  return order.amountMinor === money.amountMinor && order.currency === money.currency;
}

function acknowledge(call: AnyCall, body: object): void {
  call.send(200, 'application/json', JSON.stringify(body));
}
