/**
 * Arrays as PostgreSQL's binary format has them (array_recv in src/backend/utils/adt/arrayfuncs.c): a parameter that is
 * a Buffer is sent as it stands. A batch of hundreds of rows is copied on both sides instead of being quoted, escaped
 * and parsed as text.
 */

import { writeHex16 } from '../hex-bytes.ts';

const headBytes = 20;

/** The type of the elements: its OID (pg_type.dat) and the size that all its values have. */
interface Fixed {
  readonly oid: number;
  readonly bytes: number;
}

/** The length that stands for null. */
const isNull = -1;

function arrayOf<T>(
  { oid, bytes }: Fixed,
  items: readonly (T | null)[],
  put: (to: Buffer, at: number, item: T) => void,
): Buffer {
  const array = Buffer.allocUnsafe(headBytes + items.length * (4 + bytes));
  let at = writeHead(array, oid, items.length);
  for (const item of items) {
    array.writeInt32BE(item === null ? isNull : bytes, at);
    at += 4;
    if (item === null) continue;
    put(array, at, item);
    at += bytes;
  }
  return array.subarray(0, at);
}

/** Answers where the elements begin; an array without any has no dimensions. */
function writeHead(array: Buffer, oid: number, length: number): number {
  array.writeInt32BE(length === 0 ? 0 : 1, 0); // dimensions
  array.writeInt32BE(1, 4); // elements may be null
  array.writeInt32BE(oid, 8);
  if (length === 0) return 12;
  array.writeInt32BE(length, 12);
  array.writeInt32BE(1, 16); // the first element's index
  return headBytes;
}

/** uuid[] from their texts. */
export function uuids(texts: readonly string[]): Buffer {
  return arrayOf({ oid: 2950, bytes: 16 }, texts, writeHex16);
}

/** bytea[] of 16 bytes each, from their hex digits. */
export function hashes(texts: readonly string[]): Buffer {
  return arrayOf({ oid: 17, bytes: 16 }, texts, writeHex16);
}

/** int4[] */
export function integers(values: readonly number[]): Buffer {
  return arrayOf({ oid: 23, bytes: 4 }, values, (to, at, value) => to.writeInt32BE(value, at));
}

/** int8[], of integers that a number holds exactly. */
export function bigints(values: readonly number[]): Buffer {
  return arrayOf({ oid: 20, bytes: 8 }, values, (to, at, value) => to.writeBigInt64BE(BigInt(value), at));
}

/** text[] */
export function texts(values: readonly (string | null)[]): Buffer {
  const bytes = values.reduce((sum, value) => sum + 4 + (value === null ? 0 : Buffer.byteLength(value)), headBytes);
  const array = Buffer.allocUnsafe(bytes);
  let at = writeHead(array, 25, values.length);
  for (const value of values) {
    const length = value === null ? isNull : array.write(value, at + 4);
    at = array.writeInt32BE(length, at);
    if (value !== null) at += length;
  }
  return array.subarray(0, at);
}

/** bytea[] of any bytes. */
export function packets(items: readonly Uint8Array[]): Buffer {
  const bytes = items.reduce((sum, item) => sum + 4 + item.length, headBytes);
  const array = Buffer.allocUnsafe(bytes);
  let at = writeHead(array, 17, items.length);
  for (const item of items) {
    at = array.writeInt32BE(item.length, at);
    array.set(item, at);
    at += item.length;
  }
  return array.subarray(0, at);
}

const epochMs = Date.UTC(2000, 0, 1);

/** timestamptz[] from epoch milliseconds: PostgreSQL counts microseconds since 2000. */
export function moments(timesMs: readonly (number | null)[]): Buffer {
  return arrayOf({ oid: 1184, bytes: 8 }, timesMs, (to, at, timeMs) =>
    to.writeBigInt64BE(BigInt(timeMs - epochMs) * 1000n, at),
  );
}
