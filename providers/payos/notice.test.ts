/** Against the sample of PayOS's own manual, with the checksum key that it was made with. */
import { expect, test } from 'vitest';
import { readPayosNotice, readPayosReturn } from './notice.ts';
import { signData, signRequest } from './signing.ts';

/** https://payos.vn/docs/tich-hop-webhook/kiem-tra-du-lieu-voi-signature/ */
const checksumKey = '1a54716c8f0efb2744fb28b6e38b25da7f67a925d98bc1c18bd8faaecadd7675';
const published = {
  code: '00',
  desc: 'success',
  success: true,
  data: {
    orderCode: 123,
    amount: 3000,
    description: 'VQRIO123',
    accountNumber: '12345678',
    reference: 'TF230204212323',
    transactionDateTime: '2023-02-04 18:25:00',
    currency: 'VND',
    paymentLinkId: '124c33293c43417ab7879e14c8d9eb18',
    code: '00',
    desc: 'Thành công',
    counterAccountBankId: '',
    counterAccountBankName: '',
    counterAccountName: '',
    counterAccountNumber: '',
    virtualAccountName: '',
    virtualAccountNumber: '',
  },
  signature: '412e915d2871504ed31be63c8f62a149a4410d34c4c42affc9006ef9917eaa03',
};
const read = (body: object, key = checksumKey) => readPayosNotice(Buffer.from(JSON.stringify(body)), key);

test('the manual’s webhook verifies', () => {
  expect(read(published)).toEqual({
    ok: true,
    value: {
      kind: 'succeeded',
      providerEventId: '123:TF230204212323',
      intentId: '123',
      bookingId: null,
      amountMinor: 3000,
      currency: 'VND',
      declineCode: null,
    },
  });
});

test.each([
  ['another key', published, 'another'],
  ['another amount', { ...published, data: { ...published.data, amount: 3001 } }, checksumKey],
  ['a field more', { ...published, data: { ...published.data, extra: 1 } }, checksumKey],
  ['no signature', { data: published.data }, checksumKey],
])('with %s it does not', (_, body, key) => {
  expect(read(body, key)).toMatchObject({ ok: false, rejection: { code: 'UNAUTHORIZED' } });
});

test.each([
  [
    'a currency that is not the order’s is told as it is',
    { currency: 'USD' },
    { ok: true, value: { currency: 'USD' } },
  ],
  ['a transfer that failed is ignored', { code: '01' }, { ok: true, value: { kind: 'ignored' } }],
  ['an amount that is none is refused', { amount: -1 }, { ok: false, rejection: { code: 'VALIDATION_ERROR' } }],
])('%s', (_, change, expected) => {
  const data = { ...published.data, ...change };
  expect(read({ data, signature: signData(data, checksumKey) })).toMatchObject(expected);
});

test('lists are signed as JSON with sorted keys, nothing as the empty text', () => {
  const [one, other] = [
    { list: [{ b: 1, a: 2 }], none: null },
    { none: undefined, list: [{ a: 2, b: 1 }] },
  ];
  expect(signData(one, 'k')).toBe(signData(other, 'k'));
});

test('of a request only the five fields are signed', () => {
  const order = { amount: 1, cancelUrl: 'c', description: 'd', orderCode: 2, returnUrl: 'r' };
  expect(signRequest({ ...order, items: [] }, 'k')).toBe(signRequest(order, 'k'));
  expect(signRequest({ ...order, amount: 2 }, 'k')).not.toBe(signRequest(order, 'k'));
});

test.each([{}, { orderCode: '' }, { orderCode: '1 or 1' }])('a return with %j names no order', (query) => {
  expect(readPayosReturn(query)).toMatchObject({ ok: false });
});
