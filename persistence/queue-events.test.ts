import { describe, expect, it } from 'vitest';
import { eventsOfEntries } from '../engine/queue-events.ts';
import { entriesAfter, joinOf } from '../test/contracts/room-ledger.ts';
import { queueEventsTexts } from './queue-events.ts';

const eventId = '0197aaaa-0000-7000-8000-000000000001';

describe('queueEventsTexts', () => {
  it('says what the events say, in their order, and which types there are', () => {
    const [one, two] = [joinOf(1), joinOf(2)];
    const { userId = null, who = null } = one;
    const entries = entriesAfter(
      [],
      [
        { kind: 'configure', detail: '{}' },
        one,
        two,
        { ...one, kind: 'admit', detail: '1900000300000' },
        { ...two, kind: 'leave', detail: 'timed_out' },
        { kind: 'redeem', userId, who, detail: 'booking' },
        { kind: 'release', userId, who, detail: 'completed' },
        joinOf(3),
      ],
    );
    const texts = queueEventsTexts(eventId, entries);
    const told = eventsOfEntries(eventId, entries, (atMs) => new Date(atMs).toISOString());
    for (const { topic, events } of told) expect(JSON.parse(texts[topic]?.text ?? '')).toEqual(events);
    expect(Object.keys(texts)).toEqual(told.map(({ topic }) => topic));
    expect(texts['queue-events']?.types).toEqual(['queue.joined', 'queue.ready', 'queue.left']);
    expect(texts['checkout-events']?.types).toEqual(['checkout.completed']);
  });

  it('is empty for what concerns nobody outside', () => {
    expect(queueEventsTexts(eventId, entriesAfter([], [{ kind: 'configure', detail: '{}' }]))).toEqual({});
  });
});
