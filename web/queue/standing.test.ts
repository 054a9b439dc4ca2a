import { describe, expect, it } from 'vitest';
import { Line } from '../../engine/line.ts';
import type { PlaceFields } from '../../http/live-view.ts';
import { absent, type Room } from './rest.ts';
import { heard, isOvertaken, type Known, nothingKnown } from './standing.ts';

const server_time = '2026-01-01T00:00:00.000Z';
const empty = { head: 0, tail: 0, gone: [] };

function room(seq: number, fields: Partial<Room> = {}): Room {
  return {
    event_id: '00000000-0000-7000-8000-000000000000',
    seq,
    mode: 'open',
    waiting: 500,
    sold_out: false,
    sale_start_at: null,
    shuffle_commitment: null,
    admitted_total: 0,
    max_concurrent: 100,
    rate_per_minute: null,
    release_rates: [0.01],
    lines: { priority: empty, regular: { head: 0, tail: 1_000, gone: [] } },
    server_time,
    ...fields,
  };
}

function waiting(seq: number, place: number, position: number): PlaceFields {
  return { ...absent, status: 'waiting', line: 'regular', place, position, total: 500, seq, server_time };
}

const told = (...messages: Parameters<typeof heard>[1][]): Known => messages.reduce(heard, nothingKnown);

describe('a position', () => {
  it('follows from one’s place and what everybody is told, and never gets worse', () => {
    const line = new Line<number>();
    for (let place = 1; place <= 1_000; place++) line.enter(place);
    const mine = 700;
    let known = told({ type: 'welcome', resume: 'r', resumed: false, ...waiting(1, mine, 700) });
    let seq = 2;
    let before = 700;
    for (let gone = 1; gone < mine; gone += 7) {
      // Some leave in the middle, most from the front.
      for (const place of [gone, gone + 1, 1_000 - gone, Math.min(mine - 1, gone + 300)])
        if (place !== mine) line.remove(place);
      known = heard(known, {
        type: 'position',
        ...room(seq++, { lines: { priority: empty, regular: line.summary(64) } }),
      });
      const position = known.place?.position ?? 0;
      expect(position).toBeLessThanOrEqual(before);
      expect(position).toBeGreaterThanOrEqual(line.position(mine));
      expect(position - line.position(mine)).toBeLessThanOrEqual(Math.ceil(1_000 / 64));
      before = position;
    }
  });

  it('counts the wait of the priority line to that of the regular one', () => {
    const priority = { head: 0, tail: 50, gone: [0] };
    const calm = told({ type: 'place', ...waiting(1, 10, 10) }, { type: 'position', ...room(2) });
    const busy = told(
      { type: 'place', ...waiting(1, 10, 10) },
      { type: 'position', ...room(2, { lines: { priority, regular: { head: 0, tail: 1_000, gone: [] } } }) },
    );
    expect(busy.place?.estimated_wait_high_seconds).toBeGreaterThan(calm.place?.estimated_wait_high_seconds ?? 1e9);
  });

  it('has no wait while the line is paused', () => {
    const known = told({ type: 'place', ...waiting(1, 10, 10) }, { type: 'paused', ...room(2, { mode: 'paused' }) });
    expect(known.place).toMatchObject({ position: 10, estimated_wait_high_seconds: null });
    expect(known.room?.mode).toBe('paused');
  });
});

describe('what is older than what is known', () => {
  it('changes nothing: another node may not have caught up', () => {
    const known = told({ type: 'place', ...waiting(5, 10, 4) }, { type: 'paused', ...room(6, { mode: 'paused' }) });
    expect(heard(known, { type: 'opened', ...room(5) })).toBe(known);
    expect(heard(known, { type: 'place', ...waiting(4, 10, 9) })).toBe(known);
    expect(heard(known, { type: 'left', reason: 'left', seq: 4, server_time })).toBe(known);
  });
});

it('a place that is lost is told', () => {
  const known = told(
    { type: 'place', ...waiting(5, 10, 4) },
    { type: 'left', reason: 'timed_out', seq: 6, server_time },
  );
  expect(known).toMatchObject({ place: { status: 'absent' }, left: 'timed_out' });
  // A connection that was opened meanwhile does not know why.
  const again = { type: 'welcome', resume: 'r', resumed: false, ...absent, seq: 7, total: 0, server_time } as const;
  expect(heard(known, again).left).toBe('timed_out');
  expect(heard(known, { type: 'place', ...waiting(8, 20, 20) }).left).toBeNull();
});

it('whoever the line has passed knows that they were not told', () => {
  const passed = {
    type: 'position',
    ...room(6, { lines: { priority: empty, regular: { head: 10, tail: 20, gone: [] } } }),
  };
  const known = told({ type: 'place', ...waiting(5, 10, 1) }, passed as Parameters<typeof heard>[1]);
  expect(isOvertaken(known)).toBe(true);
  expect(known.place?.position).toBe(1);
  expect(isOvertaken(told({ type: 'place', ...waiting(5, 11, 1) }, passed as Parameters<typeof heard>[1]))).toBe(false);
});
