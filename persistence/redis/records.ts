/**
 * The fixed-width binary shapes that the gate's scripts cut with string.sub (laid out at the top of
 * lua/zone_batch.lua): a fraction of the CPU and memory of textual ids and one command per booking.
 */
import type { Hold, ZoneAnswer, ZoneCommand } from '../../engine/zone.ts';
import { writeHex16 } from '../hex-bytes.ts';

const recordBytes = 73;
const holdBytes = 24;
const releaseBytes = 18;

const kinds: Readonly<Record<ZoneCommand['kind'], string>> = {
  reserve: 'R',
  reacquire: 'A',
  extend: 'X',
  confirm: 'C',
  cancel: 'D',
  expire: 'E',
  refund: 'F',
  'write-off': 'W',
};

export function uuidBytes(uuid: string): Buffer {
  const bytes = Buffer.allocUnsafe(16);
  writeHex16(bytes, 0, uuid);
  return bytes;
}

export function uuidText(bytes: Buffer, at = 0): string {
  const hex = bytes.toString('hex', at, at + 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** All commands of a batch as one argument. */
export function packCommands(commands: readonly ZoneCommand[]): Buffer {
  const packed = Buffer.alloc(recordBytes * commands.length);
  for (let i = 0; i < commands.length; i++) packCommand(packed, i * recordBytes, commands[i] as ZoneCommand);
  return packed;
}

function packCommand(packed: Buffer, at: number, command: ZoneCommand): void {
  packed.write(kinds[command.kind], at, 'latin1');
  writeHex16(packed, at + 1, command.bookingId);
  switch (command.kind) {
    case 'reserve':
      writeHex16(packed, at + 17, command.userId);
      writeHex16(packed, at + 33, command.key);
      writeHex16(packed, at + 49, command.fingerprint);
      packed.writeUInt16BE(command.quantity, at + 65);
      packed.writeUIntBE(command.expiresAtMs, at + 67, 6);
      break;
    case 'reacquire':
    case 'refund':
      writeHex16(packed, at + 17, command.userId);
      packed.writeUInt16BE(command.quantity, at + 65);
      break;
    case 'extend':
      packed.writeUIntBE(command.expiresAtMs, at + 67, 6);
      break;
    case 'expire':
      packed.writeUIntBE(command.nowMs, at + 67, 6);
      break;
    default:
  }
}

const plainAnswers = { 1: 'applied', 2: 'too-few', 3: 'absent', 4: 'early' } as const;
const sameAnswers = Object.fromEntries(
  Object.entries(plainAnswers).map(([code, result]) => [code, { result }]),
) as Readonly<Record<number, ZoneAnswer>>;
const overLimit = 5;
const replay = 6;

/** The answers of zone_batch.lua: a code a command, and what some of the codes have to say besides. */
export function readAnswers(codes: Buffer, details: readonly (number | Buffer)[]): ZoneAnswer[] {
  const answers: ZoneAnswer[] = [];
  let told = 0;
  for (const code of codes) {
    const same = sameAnswers[code];
    if (same) answers.push(same);
    else if (code === overLimit) answers.push({ result: 'over-limit', current: details[told++] as number });
    else if (code === replay) answers.push(readReplay(details[told++] as Buffer));
    else throw new Error(`zone_batch.lua answered ${code}`);
  }
  return answers;
}

function readReplay(use: Buffer): ZoneAnswer {
  return { result: 'replay', fingerprint: use.toString('hex', 0, 16), bookingId: uuidText(use, 16) };
}

/** What one batch gave back to users: 18 bytes a hold. */
export function readReleases(packed: Buffer): { readonly userId: string; readonly seats: number }[] {
  return Array.from({ length: packed.length / releaseBytes }, (_, index) => {
    const at = index * releaseBytes;
    return { userId: uuidText(packed, at), seats: packed.readUInt16BE(at + 16) };
  });
}

export function packHold(hold: Hold): Buffer {
  const packed = Buffer.alloc(holdBytes);
  writeHex16(packed, 0, hold.userId);
  packed.writeUInt16BE(hold.quantity, 16);
  packed.writeUIntBE(hold.expiresAtMs, 18, 6);
  return packed;
}

export function readHold(bookingId: Buffer, packed: Buffer): Hold {
  return {
    bookingId: uuidText(bookingId),
    userId: uuidText(packed),
    quantity: packed.readUInt16BE(16),
    expiresAtMs: packed.readUIntBE(18, 6),
  };
}
