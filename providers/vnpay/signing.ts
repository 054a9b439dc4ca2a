/**
 * How VNPay signs: HMAC-SHA512, over the sorted and url-encoded parameters where a browser carries them, over named
 * fields joined by `|` where servers talk. Both sides use it: the adapter, and the sandbox that stands in for VNPay.
 * Protocol 2.1.0: https://sandbox.vnpayment.vn/apis/docs/thanh-toan-pay/pay.html and
 * https://sandbox.vnpayment.vn/apis/docs/truy-van-hoan-tien/querydr&refund.html
 */
import { hmacHex, isSameHex } from '../signature.ts';

export type VnpayFields = Readonly<Record<string, string>>;

/** Query text of the fields, sorted by name, with their hash at the end. Empty fields are left out, as VNPay does. */
export function signedQuery(fields: VnpayFields, hashSecret: string): string {
  const text = sortedQuery(fields);
  return `${text}&vnp_SecureHash=${hmacHex('sha512', hashSecret, text)}`;
}

/** Only `vnp_` parameters are signed: others may have been in the return address before. */
export function isSignedQuery(fields: VnpayFields, hashSecret: string): boolean {
  const { vnp_SecureHash: given, vnp_SecureHashType: _, ...rest } = fields;
  return isSameHex(given, hmacHex('sha512', hashSecret, sortedQuery(rest)));
}

function sortedQuery(fields: VnpayFields): string {
  const signed = Object.entries(fields).filter(([name, value]) => name.startsWith('vnp_') && value !== '');
  return new URLSearchParams(signed.sort(([a], [b]) => (a < b ? -1 : 1))).toString();
}

/** The fields of each kind of message between servers, in the order in which they are signed. */
const signedFields = {
  'querydr request': 'RequestId Version Command TmnCode TxnRef TransactionDate CreateDate IpAddr OrderInfo',
  'querydr answer':
    'ResponseId Command ResponseCode Message TmnCode TxnRef Amount BankCode PayDate TransactionNo TransactionType TransactionStatus OrderInfo PromotionCode PromotionAmount',
  'refund request':
    'RequestId Version Command TmnCode TransactionType TxnRef Amount TransactionNo TransactionDate CreateBy CreateDate IpAddr OrderInfo',
  'refund answer':
    'ResponseId Command ResponseCode Message TmnCode TxnRef Amount BankCode PayDate TransactionNo TransactionType TransactionStatus OrderInfo',
} as const;

export type VnpayMessage = keyof typeof signedFields;

/** The message with its hash. A field that is not there is signed as the empty text. */
export function signMessage(kind: VnpayMessage, fields: VnpayFields, hashSecret: string): VnpayFields {
  return { ...fields, vnp_SecureHash: hashOf(kind, fields, hashSecret) };
}

export function isSignedMessage(kind: VnpayMessage, fields: VnpayFields, hashSecret: string): boolean {
  return isSameHex(fields.vnp_SecureHash, hashOf(kind, fields, hashSecret));
}

function hashOf(kind: VnpayMessage, fields: VnpayFields, hashSecret: string): string {
  const values = signedFields[kind].split(' ').map((name) => fields[`vnp_${name}`] ?? '');
  return hmacHex('sha512', hashSecret, values.join('|'));
}
