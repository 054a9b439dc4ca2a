/**
 * Sagas that were stored by earlier builds, replayed by this one. The file is never made anew: a story is added when an
 * event gets a new type, and a story that fails here is a saga that a deployment would have broken.
 */
import { describe, expect, it } from 'vitest';
import { applySaga, newSaga, type Saga } from '../../engine/saga.ts';
import type { SagaEvent } from '../../engine/saga-events.ts';
import { decode } from '../../persistence/codec.ts';
import { everyEventType } from './event-types.ts';
import corpus from './sagas-v1.json' with { type: 'json' };

const eventsOf = ({ records }: { readonly records: readonly string[] }) =>
  records.flatMap((record) => decode(Buffer.from(record, 'base64')) as readonly SagaEvent[]);

describe('a saga of version 1', () => {
  it.each(corpus)('$story', (stored) => {
    expect(eventsOf(stored).reduce<Saga>(applySaga, newSaga)).toMatchObject(stored.saga);
  });

  it('of every type of event is among them', () => {
    const stored = new Set(corpus.flatMap(eventsOf).map(({ type }) => type));
    expect([...stored].sort()).toEqual(everyEventType.toSorted());
  });
});
