/** What the entries of a queue log tell the outside: queue-events and checkout-events, both in order per event. */
import type { DomainEvent } from './events.ts';
import type { LoggedEntry } from './queue-log.ts';
import type { Topic } from './topics.ts';

export interface TopicEvents {
  readonly topic: Extract<Topic, 'queue-events' | 'checkout-events'>;
  readonly events: readonly DomainEvent[];
}

/** `timeText` writes epoch ms as RFC 3339. Topics without events are left out. */
export function eventsOfEntries(
  eventId: string,
  entries: readonly LoggedEntry[],
  timeText: (atMs: number) => string,
): readonly TopicEvents[] {
  const queue: DomainEvent[] = [];
  const checkouts: DomainEvent[] = [];
  for (const entry of entries) {
    const type = typeOf(entry);
    if (!type || entry.userId === null) continue;
    const { seq, atMs, userId, kind, line, place, detail } = entry;
    const data = {
      event_id: eventId,
      user_id: userId,
      ...(place === null ? {} : { line, place }),
      ...(kind === 'admit' ? { expires_at: timeText(Number(detail)) } : {}),
      ...(kind === 'leave' || kind === 'release' ? { reason: detail } : {}),
    };
    const event: DomainEvent = {
      id: `${type}:${eventId}:${seq}`,
      type,
      source: 'onsale',
      subject: eventId,
      time: timeText(atMs),
      data,
    };
    (type.startsWith('queue') ? queue : checkouts).push(event);
  }
  const topics: readonly TopicEvents[] = [
    { topic: 'queue-events', events: queue },
    { topic: 'checkout-events', events: checkouts },
  ];
  return topics.filter(({ events }) => events.length > 0);
}

const typeOfRelease: Readonly<Record<string, string>> = {
  completed: 'checkout.completed',
  failed: 'checkout.failed',
  expired: 'checkout.expired',
  pass_expired: 'queue.expired',
  left: 'queue.left',
};

/** Null for what concerns nobody outside. */
function typeOf({ kind, detail }: LoggedEntry): string | null {
  switch (kind) {
    case 'join':
      return 'queue.joined';
    case 'admit':
      return 'queue.ready';
    case 'leave':
      return 'queue.left';
    case 'release':
      return typeOfRelease[detail] ?? null;
    default:
      return null;
  }
}
