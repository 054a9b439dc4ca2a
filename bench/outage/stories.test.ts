/** What the drill calls missing, out of order or foreign in a log. */
import { describe, expect, it } from 'vitest';
import { compareStories, StoryTeller } from './stories.ts';

const storiesOf = (...ids: readonly string[]) => {
  const teller = new StoryTeller();
  for (const id of ids) teller.hear({ id, subject: id.slice(0, 1) });
  return teller.stories('booking-events');
};

describe('a log beside the tables', () => {
  const written = storiesOf('a1', 'b1', 'a2', 'b2');

  it('is right when each key has its events in order, however the keys are mixed and whatever is repeated', () => {
    const read = storiesOf('b1', 'a1', 'a1', 'a2', 'b2', 'a1');
    expect(compareStories(written, read)).toEqual([]);
    expect(read).toMatchObject({ events: 4, repeated: 2 });
  });

  it('is wrong when events of a key are missing, out of order, or of a key that nobody wrote of', () => {
    expect(compareStories(written, storiesOf('a1', 'a2', 'b2'))).toEqual([
      'booking-events: 1 events of b are missing, b1 first',
    ]);
    expect(compareStories(written, storiesOf('a2', 'a1', 'b1', 'b2'))).toEqual([
      'booking-events: written a1, a2; read a2, a1',
    ]);
    expect(compareStories(written, storiesOf('a1', 'a2', 'b1', 'b2', 'c1'))).toEqual([
      'booking-events: nobody wrote the events of c',
    ]);
  });

  it('is wrong when an event came under another key than its own', () => {
    const teller = new StoryTeller();
    teller.hear({ id: 'a1', subject: 'a' }, 'b');
    expect(compareStories(storiesOf('a1'), teller.stories('booking-events'))).toHaveLength(2);
  });
});
