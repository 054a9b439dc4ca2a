/**
 * HMAC-SHA-256 (RFC 2104) of signed tokens, as two one-shot hashes over bytes that lie ready. `createHmac` makes an object of
 * native code for each, which costs twice as much and is left to the collector: where every token is new, a tenth of what
 * Node spends on a join of a queue.
 */
import { hash } from 'node:crypto';

const blockBytes = 64;
const digestBytes = 32;
/** A token is in a head of at most as much. */
const textCharsMax = 8_192;
const utf8BytesMax = 3;

/**
 * The MAC of a text as base64url, by this key. Null: the text is longer than `textCharsMax` or not ASCII, which no token of
 * ours is.
 */
export function createTokenMac(key: Uint8Array): (text: string) => string | null {
  const inner = padded(key, 0x36, utf8BytesMax * textCharsMax);
  const outer = padded(key, 0x5c, digestBytes);
  return (text) => {
    if (text.length > textCharsMax) return null;
    const written = inner.write(text, blockBytes);
    if (written !== text.length) return null;
    outer.write(hash('sha256', inner.subarray(0, blockBytes + written), 'binary'), blockBytes, 'latin1');
    return hash('sha256', outer, 'base64url');
  };
}

/** The key as a block, each of its bytes altered by `pad`, and room behind it. */
function padded(key: Uint8Array, pad: number, room: number): Buffer {
  const fitting = key.length > blockBytes ? hash('sha256', key, 'buffer') : key;
  const bytes = Buffer.alloc(blockBytes + room);
  bytes.set(fitting);
  for (let i = 0; i < blockBytes; i++) bytes[i] = Number(bytes[i]) ^ pad;
  return bytes;
}
