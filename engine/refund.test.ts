import { describe, expect, it } from 'vitest';
import { refundDue, refundPercent } from './refund.ts';

const nowMs = Date.parse('2027-03-01T12:00:00.000Z');
const dayMs = 86_400_000;
const percentWhen = (leftMs: number, organizerCancelled = false) =>
  refundPercent({ showStartsAtMs: nowMs + leftMs, organizerCancelled }, nowMs);

describe('the policy', () => {
  it.each([
    [30 * dayMs, 100],
    [7 * dayMs + 1, 100],
    [7 * dayMs, 50],
    [3 * dayMs, 50],
    [3 * dayMs - 1, 0],
    [0, 0],
    [-dayMs, 0],
  ])('%i ms before the show gives back %i %%', (leftMs, percent) => {
    expect(percentWhen(leftMs)).toBe(percent);
  });

  it.each([30 * dayMs, 1, -dayMs])('gives everything back when the organizer cancelled, %i ms before', (leftMs) => {
    expect(percentWhen(leftMs, true)).toBe(100);
  });
});

describe('what is due', () => {
  it.each([
    [1_000, 100, 0, 1_000],
    [1_000, 50, 0, 500],
    [1_001, 50, 0, 501],
    [1_000, 0, 0, 0],
    [1_000, 100, 300, 700],
    [1_000, 50, 300, 200],
    [1_000, 50, 700, 0],
    [0, 100, 0, 0],
  ])('of %i at %i %% after %i: %i', (paidMinor, percent, refundedMinor, due) => {
    expect(refundDue(paidMinor, percent, refundedMinor)).toBe(due);
  });
});
