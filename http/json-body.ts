/** Bodies as JSON: which content types say so, and reading them. What a body means is its route's schema. */

const jsonType = /^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i;

export function isJsonType(contentType = ''): boolean {
  return contentType === 'application/json' || jsonType.test(contentType);
}

/** What `readJson` gives for bytes that are not JSON: no value that JSON can have. */
export const malformed = Symbol('malformed JSON');

/** An empty body reads as `{}`: the schema then names the fields that are missing. */
export function readJson(bytes: Buffer): unknown {
  if (bytes.length === 0) return {};
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return malformed;
  }
}
