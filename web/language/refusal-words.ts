/** What a refusal means, in words for the person who was refused. A code is never shown. */
import type { Refusal } from '../api/refusal.ts';
import type { WordKey } from './language.ts';
import { dateAndTime, say } from './words.ts';

export function refusalWords({ code, details, retryAfterSeconds }: Refusal): string {
  const number = (name: string) => Number(details[name] ?? 0);
  switch (code) {
    case 'INSUFFICIENT_STOCK':
      if (number('available') > 0) return say('refusal.INSUFFICIENT_STOCK', { count: number('available') });
      return say(number('held_may_return') > 0 ? 'refusal.allHeld' : 'refusal.soldOut');
    case 'MAX_PER_USER_EXCEEDED':
      return say('refusal.MAX_PER_USER_EXCEEDED', { max: number('max'), current: number('current') });
    case 'SALE_NOT_STARTED':
      return typeof details.sale_start_at === 'string'
        ? say('refusal.SALE_NOT_STARTED', { time: dateAndTime(details.sale_start_at) })
        : say('refusal.SALE_NOT_STARTED', { time: '…' });
    case 'RATE_LIMITED':
      return say('refusal.RATE_LIMITED', { count: retryAfterSeconds ?? 1 });
    case 'PAYMENT_FAILED':
      return declineWords(details.decline_code);
    default:
      return say(`refusal.${code}` satisfies WordKey);
  }
}

/** Decline codes of the provider that tell the buyer what to do; the others stay between bank and shop. */
const declines: ReadonlyMap<unknown, WordKey> = new Map([
  ['insufficient_funds', 'decline.insufficientFunds'],
  ['lost_card', 'decline.lostCard'],
  ['expired_card', 'decline.expiredCard'],
  ['incorrect_number', 'decline.incorrectNumber'],
  ['authentication_failure', 'decline.notApproved'],
]);

export function declineWords(code: unknown): string {
  return say(declines.get(code) ?? 'decline.declined');
}
