/** Paying for held tickets: the card, what came of it, and the way to the bank and back. */
import { useEffect, useState } from 'preact/hooks';
import type { Refusal } from '../api/refusal.ts';
import type { Booking } from '../api/shapes.ts';
import { beginPayment, settleBooking } from '../api/shop.ts';
import { declineWords, refusalWords } from '../language/refusal-words.ts';
import { say } from '../language/words.ts';
import { Alert } from '../page/page.tsx';
import { address, dropQuery } from '../router.ts';
import { CardForm } from './card-form.tsx';
import { challengeOutcome, payWithCard } from './provider.ts';

type Stage = 'card' | 'paying' | 'challenge' | 'settling' | 'elsewhere';

interface PaymentProps {
  readonly booking: Booking;
  readonly changed: () => void;
}

/** This tab has sent a card: a reload must look what came of it before it offers to pay again. */
const sentMark = (bookingId: string) => `onsale card sent ${bookingId}`;

export function Payment({ booking, changed }: PaymentProps) {
  const [stage, setStage] = useState<Stage>('card');
  const [problem, setProblem] = useState<string | null>(null);
  const { booking_id } = booking;

  const fail = (text: string) => {
    sessionStorage.removeItem(sentMark(booking_id));
    setProblem(text);
    setStage('card');
  };
  const refuse = (refusal: Refusal) => {
    fail(refusalWords(refusal));
    // Most refusals here mean that the booking is not what this page thinks.
    changed();
  };

  const settle = async ({ silent = false } = {}) => {
    setStage('settling');
    const settled = await settleBooking(booking_id);
    if (settled.ok) {
      sessionStorage.removeItem(sentMark(booking_id));
      changed();
    } else if (silent) {
      sessionStorage.removeItem(sentMark(booking_id));
      setStage('card');
    } else refuse(settled.refusal);
  };

  const pay = async (number: string) => {
    setProblem(null);
    setStage('paying');
    const begun = await beginPayment(booking_id);
    if (!begun.ok) {
      refuse(begun.refusal);
      return;
    }
    // Beginning to pay may have given more time.
    changed();
    const { card_url: cardUrl, client_secret: clientSecret, redirect_url: redirectUrl } = begun.value;
    // Begun before, with a provider that has a page of its own.
    if (redirectUrl) {
      location.assign(redirectUrl);
      return;
    }
    if (!cardUrl || !clientSecret) {
      setStage('elsewhere');
      return;
    }
    sessionStorage.setItem(sentMark(booking_id), 'yes');
    const returnUrl = location.origin + location.pathname;
    const outcome = await payWithCard({ cardUrl, clientSecret }, { number, returnUrl });
    if (outcome.kind === 'declined') fail(declineWords(outcome.reason));
    else if (outcome.kind === 'paid') await settle();
    else {
      setStage('challenge');
      location.assign(outcome.url);
    }
  };

  useEffect(() => {
    const challenged = challengeOutcome(address.get().query);
    if (challenged !== null) dropQuery();
    if (challenged === 'declined') fail(declineWords('authentication_failure'));
    else if (challenged === 'paid') void settle();
    else if (sessionStorage.getItem(sentMark(booking_id)) !== null) void settle({ silent: true });
  }, [booking_id]);

  return (
    <section class="card payment">
      <h2>{say('pay.title')}</h2>
      {problem !== null && <Alert>{problem}</Alert>}
      {stage === 'elsewhere' ? (
        <p>{say('pay.elsewhere')}</p>
      ) : (
        <CardForm
          booking={booking}
          busyWords={stage === 'card' ? null : say(busyWords[stage])}
          pay={(number) => void pay(number)}
        />
      )}
    </section>
  );
}

const busyWords = { paying: 'pay.paying', challenge: 'pay.challenge', settling: 'pay.settling' } as const;
