/**
 * A client with kept connections that behaves as a careful buyer's app does: a request without an answer, or answered
 * "not now", is sent again as it was, with the same key, until somebody decides. Correct rather than fast.
 */
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

export interface Asked {
  /** What the call is called in the report. */
  readonly call: string;
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Parsed; null when it was not JSON. */
  readonly body: unknown;
}

/** Told of every request that was sent. `status` null: nobody answered. */
export type Observe = (call: string, status: number | null, ms: number) => void;

export interface HttpClient {
  /** One request. Rejects when there is no whole answer. */
  send(asked: Asked): Promise<Answer>;
  /** Sends until the answer is a decision. Rejects with `NobodyDecides` after `patienceMs`, or when closed. */
  insist(asked: Asked): Promise<Answer>;
  close(): void;
}

export class NobodyDecides extends Error {
  override readonly name = 'NobodyDecides';
}

export interface HttpClientOptions {
  readonly connectionsMax: number;
  /** How long a request may take before it counts as unanswered. */
  readonly timeoutMs: number;
  readonly patienceMs: number;
  readonly observe: Observe;
}

/** Answers that ask for another try. */
const undecided = new Set([429, 502, 503, 504]);
const pauseFirstMs = 100;
const pauseMostMs = 1_000;

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const { observe, timeoutMs, patienceMs } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: options.connectionsMax });
  let isClosed = false;

  const send = async (asked: Asked) => {
    const startMs = performance.now();
    try {
      const answer = await exchange(asked, agent, timeoutMs);
      observe(asked.call, answer.status, performance.now() - startMs);
      return answer;
    } catch (error) {
      observe(asked.call, null, performance.now() - startMs);
      throw error;
    }
  };

  return {
    send,
    async insist(asked) {
      const deadlineMs = performance.now() + patienceMs;
      for (let pauseMs = pauseFirstMs; ; pauseMs = Math.min(2 * pauseMs, pauseMostMs)) {
        const answer = await send(asked).catch(() => null);
        if (answer && !undecided.has(answer.status)) return answer;
        if (isClosed || performance.now() > deadlineMs)
          throw new NobodyDecides(`${asked.call}: ${answer ? `still ${answer.status}` : 'no answer'}`);
        await delay(Math.max(pauseMs, 1_000 * Number(answer?.headers['retry-after'] ?? 0)));
      }
    },
    close() {
      isClosed = true;
      agent.destroy();
    },
  };
}

function exchange({ method, url, headers, body }: Asked, agent: Agent, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const sent = request(url, { method, agent, headers: { ...headers, ...length } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        if (!response.complete) return reject(new Error('the answer was cut'));
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: parseJson(Buffer.concat(chunks).toString()),
        });
      });
    });
    // Of the whole exchange, the wait for a free connection included: a server that is gone must not hold anybody.
    const timer = setTimeout(() => sent.destroy(new Error('no answer in time')), timeoutMs);
    sent.on('close', () => clearTimeout(timer));
    sent.on('error', reject);
    sent.end(body);
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
