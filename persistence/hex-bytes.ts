/**
 * Ids and hashes from text to bytes. A reservation carries several, twice; Buffer's own `write`, which must be given a
 * text without dashes, costs four times as much.
 */

const notDigit = 0x100;
const digitValue = new Uint16Array(0x10000).fill(notDigit);
for (const [value, digit] of [...'0123456789abcdef'].entries()) digitValue[digit.charCodeAt(0)] = value;
for (const [value, digit] of [...'ABCDEF'].entries()) digitValue[digit.charCodeAt(0)] = 10 + value;

/** Where the digits of each byte begin. */
const plain = Uint8Array.from({ length: 16 }, (_, index) => 2 * index);
const dashed = Uint8Array.from(
  { length: 16 },
  (_, index) => 2 * index + [4, 6, 8, 10].filter((at) => at <= index).length,
);

/**
 * Called as a function: texts come in more kinds (flat, sliced, interned …) than V8 tells apart where a method of theirs is
 * looked up, and 32 look-ups a text in the slow way were a twentieth of a reservation.
 */
const { charCodeAt } = String.prototype;

/** Writes 16 bytes to `at`, from a UUID's text or from 32 hex digits. Throws when the text is neither. */
export function writeHex16(to: Uint8Array, at: number, text: string): void {
  const { length } = text;
  const places = length === 36 ? dashed : plain;
  let faults = length === 36 || length === 32 ? 0 : notDigit;
  for (let i = 0; i < 16; i++) {
    const place = places[i] as number;
    const high = digitValue[charCodeAt.call(text, place)] ?? notDigit;
    const low = digitValue[charCodeAt.call(text, place + 1)] ?? notDigit;
    faults |= high | low;
    to[at + i] = (high << 4) | low;
  }
  if (faults >= notDigit) throw new TypeError(`neither a UUID nor 32 hex digits: ${text}`);
}
