/** How many tickets. */
import { say } from '../language/words.ts';

interface QuantityProps {
  readonly value: number;
  readonly max: number;
  readonly change: (value: number) => void;
}

export function Quantity({ value, max, change }: QuantityProps) {
  return (
    <fieldset class="quantity">
      <legend>{say('event.quantity')}</legend>
      <button
        type="button"
        class="button-step"
        aria-label={say('event.fewer')}
        disabled={value <= 1}
        onClick={() => change(value - 1)}
      >
        −
      </button>
      <output aria-live="polite">{value}</output>
      <button
        type="button"
        class="button-step"
        aria-label={say('event.more')}
        disabled={value >= max}
        onClick={() => change(value + 1)}
      >
        +
      </button>
    </fieldset>
  );
}
