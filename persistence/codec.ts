/**
 * How stored values of event-sourced actors are packed: a version byte, then plain msgpack. msgpackr's own record
 * extension is not used, so that any msgpack reader can read the journal. Bytes from clients never come here.
 */
import { Packr } from 'msgpackr';

const version = 1;
const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: true });

export function encode(value: unknown): Buffer {
  return Buffer.concat([Buffer.from([version]), packr.pack(value)]);
}

/** Throws for a version that this build does not know: a shape is never guessed. */
export function decode(bytes: Buffer): unknown {
  if (bytes[0] !== version) throw new Error(`stored value of unknown version ${bytes[0]}`);
  return packr.unpack(bytes.subarray(1));
}
