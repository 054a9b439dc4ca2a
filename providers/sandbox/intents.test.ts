/** Laws of an intent that hold over every history of attempts, answers, cancellations and refunds. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { testCards } from './cards.ts';
import {
  answerChallenge,
  cancelIntent,
  capturedCharge,
  confirmIntent,
  type Mint,
  openIntent,
  type PaymentIntent,
  refundedAmount,
  refundIntent,
  type Transition,
} from './intents.ts';

const amount = 1_000;
const cards = [...testCards.values()];

type Act = (intent: PaymentIntent, mint: Mint) => Transition | null;

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.constantFrom(...cards).map(
    (card): Act =>
      (intent, mint) =>
        confirmIntent(intent, { card, returnUrl: null }, mint),
  ),
  fc.boolean().map(
    (approved): Act =>
      (intent, mint) =>
        intent.challenge ? answerChallenge(intent, approved, mint) : null,
  ),
  fc.constant<Act>((intent, mint) => cancelIntent(intent, null, mint)),
  fc.option(fc.integer({ min: 1, max: amount })).map(
    (part): Act =>
      (intent, mint) =>
        refundIntent(intent, part, mint),
  ),
);

test('money is taken at most once, given back at most whole, and final states stay', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
      let serial = 0;
      const mint: Mint = { nowMs: 0, id: (prefix) => `${prefix}_${++serial}` };
      let intent = openIntent({ amount, currency: 'thb', metadata: {} }, mint);
      for (const apply of acts) {
        const step = apply(intent, mint);
        if (step === null) continue;
        const captures = step.intent.charges.filter(({ decline }) => decline === null);
        expect(captures.length).toBeLessThanOrEqual(1);
        expect(captures.length === 1).toBe(step.intent.status === 'succeeded');
        const captured = capturedCharge(step.intent);
        if (captured !== null) expect(refundedAmount(captured)).toBeLessThanOrEqual(amount);
        expect(step.intent.challenge !== null).toBe(step.intent.status === 'requires_action');
        if (intent.status === 'succeeded' || intent.status === 'canceled')
          expect(step.intent.status).toBe(intent.status);
        if (step.intent === intent) expect(step.announces).toBeNull();
        intent = step.intent;
      }
    }),
    { numRuns: 500 },
  );
});
