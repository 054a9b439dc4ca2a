import { describe, expect, it } from 'vitest';
import { cardNumber, groupedDigits, testCards } from './card.ts';
import { challengeOutcome, outcomeOf } from './provider.ts';

describe('what the provider says', () => {
  it('may be: paid', () => {
    expect(outcomeOf({ status: 'succeeded' })).toEqual({ kind: 'paid' });
  });

  it('may be: paid before, when the answer to that was lost', () => {
    const error = { code: 'payment_intent_unexpected_state', payment_intent: { status: 'succeeded' } };
    expect(outcomeOf({ error })).toEqual({ kind: 'paid' });
  });

  it('may be: declined, with the reason of the bank or the one of the provider', () => {
    const declined = { code: 'card_declined', decline_code: 'lost_card' };
    expect(outcomeOf({ error: declined })).toEqual({ kind: 'declined', reason: 'lost_card' });
    expect(outcomeOf({ error: { code: 'incorrect_number' } })).toEqual({
      kind: 'declined',
      reason: 'incorrect_number',
    });
    const notApproved = { code: 'payment_intent_authentication_failure' };
    expect(outcomeOf({ error: notApproved })).toEqual({ kind: 'declined', reason: 'authentication_failure' });
    expect(outcomeOf({})).toEqual({ kind: 'declined', reason: '' });
  });

  it('may be: the bank asks', () => {
    const next_action = { redirect_to_url: { url: 'http://bank.test/ask' } };
    expect(outcomeOf({ status: 'requires_action', next_action })).toEqual({
      kind: 'challenge',
      url: 'http://bank.test/ask',
    });
  });
});

describe('coming back from the bank', () => {
  it.each([
    ['redirect_status=succeeded', 'paid'],
    ['redirect_status=failed', 'declined'],
    ['', null],
  ])('with %j is %j', (query, outcome) => {
    expect(challengeOutcome(new URLSearchParams(query))).toBe(outcome);
  });
});

describe('a card number', () => {
  it('is shown in groups of four while it is typed', () => {
    expect(groupedDigits('4242')).toBe('4242');
    expect(groupedDigits('42424')).toBe('4242 4');
    expect(groupedDigits('4242-4242 4242x42429')).toBe('4242 4242 4242 4242');
  });

  it('has sixteen digits', () => {
    expect(cardNumber('4242 4242 4242 4242')).toBe('4242424242424242');
    expect(cardNumber('4242 4242 4242 424')).toBeNull();
    for (const { number } of testCards) expect(cardNumber(number)).toBe(number);
  });
});
