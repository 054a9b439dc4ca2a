/** Driver of `POST /queue/join`: users in turn, each once, so that every answer is a new place. */
import type { Fixture } from '../../cli/seed.ts';
import type { Answer } from '../load/response-parser.ts';
import type { Verdict } from '../load/tally.ts';
import type { Driver } from './driver.ts';

const path = '/api/v1/queue/join';
const retryAfter = /\r\nretry-after:/i;

export function openJoinDriver({ event_id, users }: Fixture): Driver {
  const body = JSON.stringify({ event_id });
  const bearers = users.map(({ token }) => `Bearer ${token}`);
  return {
    request: (n) => ({
      method: 'POST',
      path,
      headers: { 'Content-Type': 'application/json', Authorization: bearers[n % bearers.length] as string },
      body,
    }),
    judge,
    // A place is no booking: the room's log says who joined.
    acked: () => null,
  };
}

/** 200 is the place that a user has already: then the fixture had too few of them. */
function judge({ status, head, body }: Answer): Verdict {
  if (status === 201) return body.includes('"status":') ? 'accepted' : 'failed';
  if (status === 503 || status === 429) return retryAfter.test(head) ? 'shed' : 'failed';
  return 'failed';
}
