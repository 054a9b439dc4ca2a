/** Bodies as JSON: which content types say so, and reading them. What a body means is its route's schema. */

const jsonType = /^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i;

export function isJsonType(contentType = ''): boolean {
  return contentType === 'application/json' || jsonType.test(contentType);
}

/** Bytes that are no body, and why. */
export class Unreadable {
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }
}

/** A NUL as JSON has it; after an odd number of backslashes more, these are a backslash and letters. */
const nul = /(?<!\\)(?:\\\\)*\\u0000/;

/**
 * An empty body reads as `{}`: the schema then names the fields that are missing. A text with a NUL is refused here, for
 * PostgreSQL keeps none, and would refuse whatever statement it comes to.
 */
export function readJson(bytes: Buffer): unknown {
  if (bytes.length === 0) return {};
  const text = bytes.toString();
  if (text.includes('\\u0000') && nul.test(text)) return new Unreadable('has a NUL in a text');
  try {
    return JSON.parse(text);
  } catch {
    return new Unreadable('is not valid JSON');
  }
}
