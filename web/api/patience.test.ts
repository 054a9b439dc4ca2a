import { describe, expect, it } from 'vitest';
import { pauseAfter } from './patience.ts';
import { answerOf } from './refusal.ts';

const refusal = (status: number, retryAfterSeconds: number | null) => ({
  status,
  answer: answerOf<never>({ success: false, error: { code: 'SERVICE_UNAVAILABLE', details: {} } }, retryAfterSeconds),
});

describe('the pause before the same request', () => {
  it('is none after an answer, also one that says no', () => {
    expect(pauseAfter({ status: 200, answer: answerOf({ success: true, data: 1 }, null) }, 0, 0)).toBeNull();
    expect(pauseAfter(refusal(409, null), 0, 0)).toBeNull();
    expect(pauseAfter(refusal(500, null), 0, 0)).toBeNull();
  });

  it('is as long as the shop asked for, and a little longer by chance, never shorter', () => {
    expect(pauseAfter(refusal(503, 7), 3, 0)).toBe(7_000);
    expect(pauseAfter(refusal(429, 12), 0, 0)).toBe(12_000);
    expect(pauseAfter(refusal(503, 4), 0, 1)).toBe(5_000);
  });

  it('doubles while nothing answers, up to ten seconds', () => {
    expect([0, 1, 2, 3, 4, 20].map((failures) => pauseAfter(null, failures, 0))).toEqual([
      1_000, 2_000, 4_000, 8_000, 10_000, 10_000,
    ]);
  });
});

describe('an answer that is not of the API', () => {
  it.each([null, 'text', {}, { success: false }])('%j counts as a fault of ours', (body) => {
    expect(answerOf(body, null)).toMatchObject({ ok: false, refusal: { code: 'INTERNAL_ERROR', details: {} } });
  });
});
