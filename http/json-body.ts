/**
 * Bodies as JSON: which content types say so, and reading them, those that a crowd sends letter by letter only once.
 * What a body means is its route's schema.
 */
import { RecentMap } from './recent-map.ts';
import type { Route } from './route.ts';

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

/** A body of a route that comes in crowds. All who send the same text share it. */
export class RepeatedBody {
  readonly json: unknown;
  /** What the route's schema made of it, frozen; undefined until it has passed. */
  checked: unknown;

  constructor(json: unknown) {
    this.json = json;
  }
}

/** Longer ones are not kept. */
const repeatedBytesMax = 512;
const repeatedMax = 1_000;

/**
 * Answers a route's body as its JSON, as a `RepeatedBody` where the route comes in crowds, or why it is `Unreadable`. In a
 * sale nearly everybody asks for one or two seats of one zone: reading and checking that anew each time was 2 µs of a
 * reservation.
 */
export function createBodyReader(routes: readonly Route[]): (route: Route, bytes: Buffer) => unknown {
  const repeated = new Map(
    routes.filter((route) => route.isCrowded).map((route) => [route, new RecentMap<string, RepeatedBody>(repeatedMax)]),
  );
  return (route, bytes) => {
    const bodies = bytes.length > repeatedBytesMax ? undefined : repeated.get(route);
    const text = bytes.toString();
    if (bodies === undefined) return readJson(text);
    const known = bodies.get(text);
    if (known !== undefined) return known;
    const json = readJson(text);
    if (json instanceof Unreadable) return json;
    const body = new RepeatedBody(json);
    bodies.set(text, body);
    return body;
  };
}

/** A NUL as JSON has it; after an odd number of backslashes more, these are a backslash and letters. */
const nul = /(?<!\\)(?:\\\\)*\\u0000/;

/**
 * An empty body reads as `{}`: the schema then names the fields that are missing. A text with a NUL is refused here, for
 * PostgreSQL keeps none, and would refuse whatever statement it comes to.
 */
function readJson(text: string): unknown {
  if (text === '') return {};
  if (text.includes('\\u0000') && nul.test(text)) return new Unreadable('has a NUL in a text');
  try {
    return JSON.parse(text);
  } catch {
    return new Unreadable('is not valid JSON');
  }
}
