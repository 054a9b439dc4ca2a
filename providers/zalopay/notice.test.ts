/** Against the sample of ZaloPay's own manual, made with the key of its public test app 2553. */
import { expect, test } from 'vitest';
import { acknowledgeZalopay, readZalopayNotice, readZalopayReturn } from './notice.ts';
import { macOf } from './signing.ts';

/** https://docs.zalopay.vn/docs/specs/callback-api */
const published = {
  data: '{"app_id":2553,"app_trans_id":"200904_2553_1598435687208","app_time":1599189392817,"app_user":"demo","amount":10000,"embed_data":"{\\"merchantinfo\\":\\"embeddata123\\",\\"promotioninfo\\":\\"\\"}","item":"[{\\"itemid\\":\\"knb\\",\\"itemname\\":\\"kim nguyen bao\\",\\"itemprice\\":198400,\\"itemquantity\\":1}]","zp_trans_id":200904000000389,"server_time":1599189413498,"channel":38,"merchant_user_id":"7ZMSl3nEg5sOUJzOLSoUFT8xKNQVaLOLXHB--8Eytqc","user_fee_amount":0,"discount_amount":0}',
  mac: 'd8d33baf449b31d7f9b94fa50d7c942c08cd4d83f28fa185557da21acb104f67',
  type: 1,
};
const trust = { appId: 2553, key2: 'kLtgPl8HHhfvMuDHPwKfgfsY4Ydm9eIz' };
const read = (body: object, by = trust) => readZalopayNotice(Buffer.from(JSON.stringify(body)), by);

test('the manual’s callback verifies, and is of an order that is none of ours', () => {
  expect(read(published)).toEqual({
    ok: true,
    value: {
      kind: 'succeeded',
      providerEventId: '200904_2553_1598435687208:200904000000389',
      intentId: '200904_2553_1598435687208',
      bookingId: null,
      amountMinor: 10_000,
      currency: 'VND',
      declineCode: null,
    },
  });
});

test.each([
  ['another key', published, { ...trust, key2: 'another' }, 'UNAUTHORIZED'],
  ['another amount', { ...published, data: published.data.replace('10000', '10001') }, trust, 'UNAUTHORIZED'],
  ['half a mac', { ...published, mac: published.mac.slice(0, 32) }, trust, 'UNAUTHORIZED'],
  ['another merchant’s app', published, { ...trust, appId: 2554 }, 'VALIDATION_ERROR'],
])('with %s it does not', (_, body, by, code) => {
  expect(read(body, by)).toMatchObject({ ok: false, rejection: { code } });
});

test('a callback about an agreement is ignored', () => {
  expect(read({ ...published, type: 2 })).toMatchObject({ ok: true, value: { kind: 'ignored' } });
});

test('a return of another app is refused, however well signed', () => {
  const fields = {
    appid: '1',
    apptransid: 'a',
    pmcid: '38',
    bankcode: '',
    amount: '1',
    discountamount: '0',
    status: '1',
  };
  const query = { ...fields, checksum: macOf('redirect', fields, trust.key2) };
  expect(readZalopayReturn(query, trust)).toMatchObject({ ok: false, rejection: { code: 'VALIDATION_ERROR' } });
  expect(readZalopayReturn(query, { ...trust, appId: 1 })).toEqual({ ok: true, value: { intentId: 'a' } });
});

test('only what may succeed later is asked for again', () => {
  const codes = (['stored', 'repeated', 'unknown-order', 'wrong-amount', 'unsigned', 'unreadable'] as const).map(
    (taken) => (acknowledgeZalopay(taken) as { return_code: number }).return_code,
  );
  expect(codes).toEqual([1, 2, 0, -1, -1, -1]);
});
