/** VNPay publishes no sample with its key, so the signature is held against its description, word for word. */
import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { acknowledgeVnpay, readVnpayNotice, readVnpayReturn } from './notice.ts';
import { orderDate, orderEndMs, orderInfo, orderReference, readVnpayAmount } from './order.ts';
import { isSignedMessage, signedQuery, signMessage } from './signing.ts';

const trust = { tmnCode: 'TESTTMN1', hashSecret: 'secret' };
const bookingId = '01980000-0000-7000-8000-000000000001';
const paid = {
  vnp_TmnCode: 'TESTTMN1',
  vnp_Amount: '15000000',
  vnp_OrderInfo: orderInfo(bookingId),
  vnp_ResponseCode: '00',
  vnp_TransactionStatus: '00',
  vnp_TransactionNo: '14226112',
  vnp_TxnRef: 'ref',
};
const signed = (fields: Record<string, string>) =>
  Object.fromEntries(new URLSearchParams(signedQuery(fields, 'secret')));
const read = (fields: Record<string, string>) => readVnpayNotice(signed(fields), trust);

test('parameters are sorted, encoded with plus signs, joined, and hashed with SHA-512', () => {
  const text = 'vnp_A=1%2F2&vnp_OrderInfo=Thanh+toan+don+hang+%3A5';
  const hash = createHmac('sha512', 'secret').update(text).digest('hex');
  const fields = { vnp_OrderInfo: 'Thanh toan don hang :5', vnp_Empty: '', vnp_A: '1/2', other: 'unsigned' };
  expect(signedQuery(fields, 'secret')).toBe(`${text}&vnp_SecureHash=${hash}`);
});

test('messages between servers are their fields in order, joined by |', () => {
  const fields = { vnp_RequestId: 'a', vnp_Version: 'b', vnp_Command: 'c', vnp_TmnCode: 'd', vnp_TxnRef: 'e' };
  const hash = createHmac('sha512', 'secret').update('a|b|c|d|e||||').digest('hex');
  const message = signMessage('querydr request', fields, 'secret');
  expect(message.vnp_SecureHash).toBe(hash);
  expect(isSignedMessage('querydr request', { ...message, vnp_SecureHash: hash.toUpperCase() }, 'secret')).toBe(true);
  expect(isSignedMessage('querydr answer', message, 'secret')).toBe(false);
});

test('a notification of a payment', () => {
  expect(read(paid)).toEqual({
    ok: true,
    value: {
      kind: 'succeeded',
      providerEventId: 'ref:14226112:00:00',
      intentId: 'ref',
      bookingId,
      amountMinor: 150_000,
      currency: 'VND',
      declineCode: null,
    },
  });
});

test.each([
  ['24', '02', { kind: 'cancelled', declineCode: 'refused_by_buyer' }],
  ['51', '02', { kind: 'cancelled', declineCode: 'insufficient_funds' }],
  ['75', '02', { kind: 'cancelled', declineCode: 'vnpay_75' }],
  // Taken, but suspected: neither a sale nor its end.
  ['07', '07', { kind: 'ignored' }],
  ['00', '01', { kind: 'ignored' }],
])('response %s with status %s', (vnp_ResponseCode, vnp_TransactionStatus, expected) => {
  expect(read({ ...paid, vnp_ResponseCode, vnp_TransactionStatus })).toMatchObject({ ok: true, value: expected });
});

test.each([
  [{ vnp_TmnCode: 'OTHER' }, 'VALIDATION_ERROR'],
  [{ vnp_Amount: '15000001' }, 'VALIDATION_ERROR'],
  [{ vnp_TxnRef: '' }, 'VALIDATION_ERROR'],
])('signed, but with %j', (change, code) => {
  expect(read({ ...paid, ...change })).toMatchObject({ ok: false, rejection: { code } });
});

test('nothing is believed after a change, or without a hash; what is not VNPay’s may be added', () => {
  const query = signed(paid);
  for (const name of Object.keys(paid)) {
    const changed = readVnpayNotice({ ...query, [name]: `${query[name]}1` }, trust);
    expect(changed, name).toMatchObject({ ok: false, rejection: { code: 'UNAUTHORIZED' } });
  }
  expect(readVnpayNotice(paid, trust)).toMatchObject({ ok: false });
  expect(readVnpayReturn({ ...query, from: 'shop' }, trust)).toEqual({ ok: true, value: { intentId: 'ref' } });
});

test('a reference says when the order was made and until when it can be paid, in Vietnam’s time', () => {
  const requestedAtMs = Date.UTC(2026, 10, 21, 17, 30, 15);
  const request = {
    bookingId,
    eventId: 'e',
    paymentId: bookingId,
    amountMinor: 1,
    currency: 'VND',
    idempotencyKey: 'k',
  };
  const reference = orderReference({ ...request, requestedAtMs, payBeforeMs: requestedAtMs + 600_000 });
  expect(reference).toBe('202611220030152026112200401501980000000070008000000000000001');
  expect(orderDate(reference)).toBe('20261122003015');
  expect(orderEndMs(reference)).toBe(requestedAtMs + 600_000);
});

test.each([
  ['100', 1],
  ['150', null],
  ['', null],
  ['-100', null],
  ['1e2', null],
  [undefined, null],
])('an amount of %j', (text, dong) => {
  expect(readVnpayAmount(text)).toBe(dong);
});

test('VNPay hears that it need not tell again only of what is stored', () => {
  const codes = (['stored', 'repeated', 'unknown-order', 'wrong-amount', 'unsigned', 'unreadable'] as const).map(
    (taken) => (acknowledgeVnpay(taken) as { RspCode: string }).RspCode,
  );
  expect(codes).toEqual(['00', '02', '01', '04', '97', '99']);
});
