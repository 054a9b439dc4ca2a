import { describe, expect, it } from 'vitest';
import { wireText } from './driver.ts';
import { openReserveDriver } from './reserve.ts';

const fixture = {
  event_id: 'e',
  show_id: 's',
  zone_ids: ['z0', 'z1'],
  users: [
    { user_id: 'u0', token: 't0' },
    { user_id: 'u1', token: 't1' },
    { user_id: 'u2', token: 't2' },
  ],
};
const driver = openReserveDriver(fixture, 'run');
const bookingId = '0193aaaa-0000-7000-8000-000000000001';
const head = 'HTTP/1.1 000 X\r\nRetry-After: 1';

describe('the reserve driver', () => {
  it('writes whole requests, users and zones in turn, every key once', () => {
    const body = '{"event_id":"e","zone_id":"z1","quantity":1}';
    expect(wireText(driver.request(7, 0), 'h:1')).toBe(
      `POST /api/v1/bookings/reserve HTTP/1.1\r\nHost: h:1\r\nContent-Type: application/json\r\n` +
        `Authorization: Bearer t1\r\nIdempotency-Key: run-7\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  });

  it('notes what was promised to whom', () => {
    const answer = { status: 201, head, body: `{"success":true,"data":{"booking_id":"${bookingId}","status":"x"}}` };
    expect(driver.acked(5, answer)).toEqual({
      bookingId,
      userId: 'u2',
      eventId: 'e',
      zoneId: 'z1',
      quantity: 1,
      status: 'reserved',
      key: 'run-5',
    });
  });

  it.each([
    [201, head, `{"data":{"booking_id":"${bookingId}"}}`, 'accepted'],
    [201, head, '{}', 'failed'],
    [200, head, `{"data":{"booking_id":"${bookingId}"}}`, 'failed'],
    [409, head, '{"error":{"code":"INSUFFICIENT_STOCK"}}', 'refused'],
    [409, head, '{"error":{"code":"MAX_PER_USER_EXCEEDED"}}', 'refused'],
    [409, head, '{"error":{"code":"CONFLICT"}}', 'failed'],
    [503, head, '', 'shed'],
    [429, head, '', 'shed'],
    [503, 'HTTP/1.1 503 X\r\nX: retry-after', '', 'failed'],
    [500, head, '', 'failed'],
    [401, head, '', 'failed'],
  ] as const)('judges %i with %j %j', (status, answerHead, body, verdict) => {
    expect(driver.judge({ status, head: answerHead, body })).toBe(verdict);
  });
});
