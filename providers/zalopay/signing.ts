/**
 * How ZaloPay signs: HMAC-SHA256 over fields joined by `|`; with key1 what the merchant sends, with key2 what ZaloPay
 * sends by itself. Both sides use it: the adapter, and the sandbox that stands in for ZaloPay.
 * Protocol: https://docs.zalopay.vn/docs/specs/order-create, …/order-query, …/order-refund, …/callback-api
 */
import { hmacHex, isSameHex } from '../signature.ts';

/** The fields of each kind of message, in the order in which they are signed. */
const signedFields = {
  create: 'app_id app_trans_id app_user amount app_time embed_data item',
  query: 'app_id app_trans_id key1',
  refund: 'app_id zp_trans_id amount description timestamp',
  query_refund: 'app_id m_refund_id timestamp',
  /** The parameters of the address that a browser comes back to; unlike the API's they have no underscores. */
  redirect: 'appid apptransid pmcid bankcode amount discountamount status',
} as const;

export type ZalopayMessage = keyof typeof signedFields;
type Fields = Readonly<Record<string, unknown>>;

/** @param key key1, or key2 for `redirect` */
export function macOf(kind: ZalopayMessage, fields: Fields, key: string): string {
  const known: Fields = { ...fields, key1: key };
  const values = signedFields[kind].split(' ').map((name) => known[name] ?? '');
  return hmacHex('sha256', key, values.join('|'));
}

/** Compares in constant time. */
export function isSignedMessage(kind: ZalopayMessage, fields: Fields, key: string): boolean {
  const given = kind === 'redirect' ? fields.checksum : fields.mac;
  return typeof given === 'string' && isSameHex(given, macOf(kind, fields, key));
}
