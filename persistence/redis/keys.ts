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

/** Members of the cluster of this name. Its keys are of no event; the braces keep them in one slot, for one script. */
export function nodesKey(cluster: string): string {
  return `{${cluster}}:nodes`;
}

export function leaseKey(cluster: string, { kind, id }: { readonly kind: string; readonly id: string }): string {
  return `{${cluster}}:${kind}:${id}`;
}
