/** Following a waiting room by asking again and again: what always gets through. */
import type { OpenLine } from './line.ts';
import { askBoth } from './rest.ts';

/** Two questions each time; a person may ask 100 a minute, and has other pages. */
const pollEveryMs = 2_500;
/** Then something better is tried again. */
const pollings = 24;

export const overPolling: OpenLine = (to, listener) => {
  const closing = new AbortController();
  const { signal } = closing;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const poll = (left: number): void => {
    askBoth(to, signal).then(
      (answer) => {
        if (signal.aborted) return;
        if (!answer.ok) listener.ended({ refusal: answer.refusal });
        else {
          for (const message of answer.value) listener.hear(message);
          if (left > 1) timer = setTimeout(poll, pollEveryMs, left - 1);
          else listener.hear({ type: 'goodbye', why: 'stream_over', reconnect_after_ms: pollEveryMs });
        }
      },
      () => {
        if (!signal.aborted) listener.ended({});
      },
    );
  };
  poll(pollings);
  return {
    ask: () => {}, // it does so anyway
    close() {
      clearTimeout(timer);
      closing.abort();
    },
  };
};
