/** When an inbox wakes its actor: a turn for nothing costs as much as a request. */
import { expect, it } from 'vitest';
import { Inbox } from './inbox.ts';

function inboxOf(items: number) {
  const wakes: number[] = [];
  const inbox: Inbox<number> = new Inbox(10, () => wakes.push(inbox.length));
  for (let i = 0; i < items; i++) inbox.offer(i);
  return { inbox, wakes };
}

it('wakes once for all that arrive until they are taken', () => {
  const { inbox, wakes } = inboxOf(3);
  expect(inbox.take(2)).toEqual([0, 1]);
  inbox.offer(3);
  inbox.offer(4);
  expect(wakes).toEqual([1, 2]);
});

it('wakes only when enough wait, once it was left for more', () => {
  const { inbox, wakes } = inboxOf(1);
  inbox.leave(3);
  for (const item of [1, 2, 3]) inbox.offer(item);
  expect(wakes).toEqual([1, 3]);
  inbox.take(10);
  inbox.offer(4);
  expect(wakes).toEqual([1, 3, 1]);
});
