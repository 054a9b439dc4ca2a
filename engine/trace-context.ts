/**
 * W3C Trace Context (https://www.w3.org/TR/trace-context/): which trace a request belongs to. It is carried from the request
 * through sagas to the events it leads to, as it came: we make no spans of our own (docs/adr/0023).
 */

/** Version 00 is exact; of a later one only what 00 knows is read, and more may follow. */
const version00 = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const versionLater = /^(?!00|ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;
const noTrace = '0'.repeat(32);
const noParent = '0'.repeat(16);
/** A later version may be of any length; nobody's header needs to be long. */
const charactersMax = 256;

/**
 * The header as it may be passed on, in version 00; null for one that is malformed, which is as good as none: the
 * specification has it ignored, never refused.
 */
export function readTraceparent(header: string | undefined): string | null {
  if (header === undefined || header.length > charactersMax) return null;
  const [, traceId, parentId, flags] = version00.exec(header) ?? versionLater.exec(header) ?? [];
  if (traceId === undefined || traceId === noTrace || parentId === noParent) return null;
  return `00-${traceId}-${parentId}-${flags}`;
}

/** What logs are looked up by. */
export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}

/** What an event or a request adds of its trace: nothing where none is known. */
export function ofTrace(traceparent: string | null | undefined): { readonly traceparent?: string } {
  return traceparent ? { traceparent } : {};
}
