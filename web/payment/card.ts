/** Card numbers as people type them, and the test cards of the sandbox. */
import type { WordKey } from '../language/language.ts';

const digitsOfCard = 16;

/** Groups of four, nothing but digits. */
export function groupedDigits(typed: string): string {
  const digits = typed.replaceAll(/\D/g, '').slice(0, digitsOfCard);
  return digits.replaceAll(/(\d{4})(?=\d)/g, '$1 ');
}

/** The sixteen digits, or null when they are not sixteen. */
export function cardNumber(typed: string): string | null {
  const digits = typed.replaceAll(/\D/g, '');
  return digits.length === digitsOfCard ? digits : null;
}

/** Some of providers/sandbox/cards.ts, with what happens to them. */
export const testCards: readonly { readonly number: string; readonly story: WordKey }[] = [
  { number: '4242424242424242', story: 'pay.cardPays' },
  { number: '4000000000000002', story: 'pay.cardDeclined' },
  { number: '4000000000009995', story: 'pay.cardFunds' },
  { number: '4000002500003155', story: 'pay.cardChallenge' },
];
