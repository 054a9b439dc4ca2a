/** What a batch of a queue log tells the outside, as JSON: the events of engine/queue-events.ts, one text a topic. */
import { eventsOfEntries, type TopicEvents } from '../engine/queue-events.ts';
import type { LoggedEntry } from '../engine/queue-log.ts';

export interface ToldTopic {
  readonly types: readonly string[];
  /** A JSON array. */
  readonly text: string;
}

/**
 * By topic; those without events are absent. A sale begins with a batch after batch of joins, which differ in few
 * words: their texts are put together directly. Ids are UUIDs and names of lines ours, so nothing needs escaping.
 */
export function queueEventsTexts(
  eventId: string,
  entries: readonly LoggedEntry[],
): Partial<Readonly<Record<TopicEvents['topic'], ToldTopic>>> {
  const told = new Map<TopicEvents['topic'], { readonly types: Set<string>; text: string }>();
  const add = (topic: TopicEvents['topic'], type: string, text: string) => {
    const before = told.get(topic);
    if (!before) told.set(topic, { types: new Set([type]), text });
    else {
      before.types.add(type);
      before.text += `,${text}`;
    }
  };
  let [knownMs, time] = [Number.NaN, ''];
  const timeText = (atMs: number) => {
    if (atMs !== knownMs) [knownMs, time] = [atMs, new Date(atMs).toISOString()];
    return time;
  };
  for (const entry of entries) {
    const { kind, seq, atMs, userId, line, place } = entry;
    if (kind === 'join' && userId !== null)
      add(
        'queue-events',
        'queue.joined',
        `{"id":"queue.joined:${eventId}:${seq}","type":"queue.joined","source":"onsale","subject":"${eventId}","time":"${timeText(atMs)}","data":{"event_id":"${eventId}","user_id":"${userId}","line":"${line}","place":${place}}}`,
      );
    else
      for (const { topic, events } of eventsOfEntries(eventId, [entry], timeText))
        for (const event of events) add(topic, event.type, JSON.stringify(event));
  }
  return Object.fromEntries(
    [...told].map(([topic, { types, text }]) => [topic, { types: [...types], text: `[${text}]` }]),
  );
}
