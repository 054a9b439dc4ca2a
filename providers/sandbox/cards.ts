/**
 * The test cards and what happens to each. A number is looked up here and forgotten: everything behind this file
 * sees brand and last four digits only.
 * The numbers are Stripe's (https://docs.stripe.com/testing); …3220 differs: here its challenge never helps.
 */

export interface CardSummary {
  readonly brand: 'visa' | 'mastercard';
  readonly last4: string;
}

export interface Decline {
  readonly code: string;
  readonly declineCode: string;
  readonly message: string;
}

export interface TestCard {
  readonly summary: CardSummary;
  /** Whether the issuer wants 3-D Secure before it decides. */
  readonly challenges: boolean;
  /** Why the issuer declines, after a passed challenge if there is one; null when it pays. */
  readonly decline: Decline | null;
  /** For the page that a person reads. */
  readonly story: string;
}

const genericDecline: Decline = {
  code: 'card_declined',
  declineCode: 'generic_decline',
  message: 'Your card was declined.',
};
const insufficientFunds: Decline = {
  code: 'card_declined',
  declineCode: 'insufficient_funds',
  message: 'Your card has insufficient funds.',
};
const lostCard: Decline = { code: 'card_declined', declineCode: 'lost_card', message: 'Your card was declined.' };
const expiredCard: Decline = { code: 'expired_card', declineCode: 'expired_card', message: 'Your card has expired.' };

const visa = (last4: string): CardSummary => ({ brand: 'visa', last4 });

export const testCards: ReadonlyMap<string, TestCard> = new Map([
  ['4242424242424242', { summary: visa('4242'), challenges: false, decline: null, story: 'pays' }],
  [
    '5555555555554444',
    { summary: { brand: 'mastercard', last4: '4444' }, challenges: false, decline: null, story: 'pays' },
  ],
  ['4000000000000002', { summary: visa('0002'), challenges: false, decline: genericDecline, story: 'declined' }],
  [
    '4000000000009995',
    { summary: visa('9995'), challenges: false, decline: insufficientFunds, story: 'declined: insufficient funds' },
  ],
  ['4000000000009987', { summary: visa('9987'), challenges: false, decline: lostCard, story: 'declined: lost card' }],
  [
    '4000000000000069',
    { summary: visa('0069'), challenges: false, decline: expiredCard, story: 'declined: expired card' },
  ],
  ['4000002500003155', { summary: visa('3155'), challenges: true, decline: null, story: '3-D Secure, then pays' }],
  [
    '4000000000003220',
    { summary: visa('3220'), challenges: true, decline: genericDecline, story: '3-D Secure, then declined' },
  ],
]);

/** @param number as typed; spaces are ignored */
export function findCard(number: string): TestCard | undefined {
  return testCards.get(number.replaceAll(' ', ''));
}
