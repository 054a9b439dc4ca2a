/** The envelope of a success, the same for every route. A refusal's is problem.ts's. */

/** `{"success":true,"data":…}`, with `meta` when there is one. */
export function successBody(data: unknown, meta?: unknown): string {
  const tail = meta === undefined ? '}' : `,"meta":${JSON.stringify(meta)}}`;
  return `{"success":true,"data":${JSON.stringify(data)}${tail}`;
}
