/** Ids and hashes from text to bytes. Each reservation carries several, twice: Buffer's own `write` costs four times as much. */

const notDigit = 255;
const digitValue = new Uint8Array(128).fill(notDigit);
for (const [value, digit] of [...'0123456789abcdef'].entries()) digitValue[digit.charCodeAt(0)] = value;
for (const [value, digit] of [...'ABCDEF'].entries()) digitValue[digit.charCodeAt(0)] = 10 + value;

/** Writes 16 bytes to `at` from 32 hex digits; dashes among them are skipped. Throws when there are more or fewer. */
export function writeHex16(to: Uint8Array, at: number, text: string): void {
  let half = notDigit;
  let next = at;
  for (let i = 0; i < text.length; i++) {
    const value = digitValue[text.charCodeAt(i)];
    if (value === undefined || value === notDigit) continue;
    if (half === notDigit) half = value;
    else {
      to[next++] = (half << 4) | value;
      half = notDigit;
    }
  }
  if (next !== at + 16 || half !== notDigit) throw new Error(`not 16 bytes in hex digits: ${text}`);
}
