/** Following a waiting room by server-sent events, read with fetch: an EventSource cannot carry a token but in its address. */
import type { Answer } from '../api/refusal.ts';
import type { End, OpenLine } from './line.ts';
import { answerTo, askBoth, get } from './rest.ts';

export const overStream: OpenLine = (to, listener) => {
  const closing = new AbortController();
  const { signal } = closing;
  const read = async () => {
    const response = await get(
      to,
      `position/${to.eventId}/stream${to.availability ? '?availability=true' : ''}`,
      signal,
    );
    if (!response.ok) return refusalIn(await answerTo(response));
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (let piece = await reader?.read(); piece && !piece.done; piece = await reader?.read()) {
      const events = (text + piece.value).split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) if (event.startsWith('data: ')) listener.hear(JSON.parse(event.slice(6)));
    }
    return {};
  };
  read().then(
    (end) => {
      if (!signal.aborted) listener.ended(end);
    },
    () => {
      if (!signal.aborted) listener.ended({});
    },
  );
  return {
    ask() {
      askBoth(to, signal).then(
        (answer) => {
          if (!signal.aborted && answer.ok) for (const message of answer.value) listener.hear(message);
        },
        () => {}, // the stream goes on, and will tell
      );
    },
    close: () => closing.abort(),
  };
};

function refusalIn(answer: Answer<unknown>): End {
  return answer.ok ? {} : { refusal: answer.refusal };
}
