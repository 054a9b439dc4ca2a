import { describe, expect, it } from 'vitest';
import { placeOf } from './place.ts';

describe('a place', () => {
  const clock = () => 0;
  const status = { mode: 'open', sold_out: false, server_time: '2026-01-01T00:00:00.000Z' } as const;
  const waiting = {
    status: 'waiting',
    position: 7,
    estimated_wait_low_seconds: 20,
    estimated_wait_high_seconds: 40,
    expires_at: '2026-01-01T00:02:00.000Z',
    queue_pass: null,
    booking_id: null,
  } as const;

  it('in the line has a position and a wait', () => {
    expect(placeOf(waiting, status, clock)).toEqual({
      stage: 'waiting',
      position: 7,
      wait: { lowSeconds: 20, highSeconds: 40 },
      mode: 'open',
      soldOut: false,
    });
  });

  it('whose wait nobody can tell has none', () => {
    const place = placeOf({ ...waiting, estimated_wait_low_seconds: null }, { ...status, mode: 'paused' }, clock);
    expect(place).toMatchObject({ wait: null, mode: 'paused' });
  });

  it('in the lobby has no position, whatever is answered', () => {
    expect(placeOf({ ...waiting, status: 'lobby' }, status, clock)).toMatchObject({ stage: 'waiting', position: null });
  });

  it('of somebody whose turn it is has the pass with its end', () => {
    const place = placeOf({ ...waiting, status: 'admitted', position: 0, queue_pass: 'a.b.c' }, status, clock);
    expect(place).toEqual({
      stage: 'admitted',
      pass: { token: 'a.b.c', expiresAtMs: Date.parse(waiting.expires_at), clock },
    });
  });

  it('of somebody who holds tickets leads to them', () => {
    const place = placeOf({ ...waiting, status: 'checkout', booking_id: 'booking' }, status, clock);
    expect(place).toEqual({ stage: 'checkout', bookingId: 'booking' });
  });
});
