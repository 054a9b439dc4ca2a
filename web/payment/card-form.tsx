/** The card's number, and the test cards to take it from. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Booking } from '../api/shapes.ts';
import { money, say } from '../language/words.ts';
import { cardNumber, groupedDigits, testCards } from './card.ts';

interface CardFormProps {
  readonly booking: Booking;
  /** What is going on, or null when a card may be entered. */
  readonly busyWords: string | null;
  readonly pay: (number: string) => void;
}

export function CardForm({ booking, busyWords, pay }: CardFormProps) {
  const [typed, setTyped] = useState('');
  const [wrong, setWrong] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (wrong) field.current?.focus();
  }, [wrong]);

  const submit = () => {
    const number = cardNumber(typed);
    setWrong(number === null);
    if (number !== null && busyWords === null) pay(number);
  };

  return (
    <form
      class="form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <p class="notice">{say('pay.test')}</p>
      <div class="field">
        <label for="card-number">{say('pay.number')}</label>
        <input
          id="card-number"
          ref={field}
          class="card-number"
          inputMode="numeric"
          autoComplete="cc-number"
          placeholder="0000 0000 0000 0000"
          value={typed}
          aria-invalid={wrong}
          aria-describedby="card-number-hint"
          onInput={(event) => {
            setWrong(false);
            // The browser puts the cursor at the end when the text set is another than the one typed.
            event.currentTarget.value = groupedDigits(event.currentTarget.value);
            setTyped(event.currentTarget.value);
          }}
        />
        <p class={wrong ? 'field-problem' : 'hint'} id="card-number-hint" role={wrong ? 'alert' : undefined}>
          {say(wrong ? 'pay.numberWrong' : 'pay.numberHint')}
        </p>
      </div>
      <fieldset class="test-cards">
        <legend>{say('pay.cards')}</legend>
        {testCards.map(({ number, story }) => (
          <button
            key={number}
            type="button"
            class="button-card"
            aria-pressed={typed === groupedDigits(number)}
            onClick={() => {
              setWrong(false);
              setTyped(groupedDigits(number));
            }}
          >
            <span>•••• {number.slice(-4)}</span> {say(story)}
          </button>
        ))}
      </fieldset>
      <div>
        <button type="submit" class="button button-wide" aria-disabled={busyWords !== null}>
          {busyWords === null
            ? say('pay.pay', { amount: money(booking.total_amount, booking.currency) })
            : say('pay.paying')}
        </button>
        <p class="hint" role="status">
          {busyWords}
        </p>
      </div>
    </form>
  );
}
