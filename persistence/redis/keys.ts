/** Names of the gate's keys. All keys of an event carry its hash tag, so that one script may touch all of them. */

const dayMs = 86_400_000;

export function gateKey(eventId: string): string {
  return `{${eventId}}:gate`;
}

export function zoneKey(eventId: string, zoneId: string): string {
  return `{${eventId}}:zone:${zoneId}`;
}

export function holdsKey(eventId: string, zoneId: string): string {
  return `{${eventId}}:zone:${zoneId}:holds`;
}

export function batchesKey(eventId: string, zoneId: string): string {
  return `{${eventId}}:zone:${zoneId}:batches`;
}

export function releasesKey(eventId: string, zoneId: string): string {
  return `{${eventId}}:zone:${zoneId}:releases`;
}

export function usersKey(eventId: string): string {
  return `{${eventId}}:users`;
}

/** Idempotency keys used on the UTC day of `atMs`, or the day before it. */
export function idempotencyKeys(eventId: string, atMs: number): { readonly today: string; readonly yesterday: string } {
  const day = Math.floor(atMs / dayMs);
  return { today: `{${eventId}}:idem:${day}`, yesterday: `{${eventId}}:idem:${day - 1}` };
}
