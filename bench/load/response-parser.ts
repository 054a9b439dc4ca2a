/**
 * As much of HTTP/1.1 (RFC 9112) as an answer to one of our requests can be: a status line, headers, and a body of
 * Content-Length bytes. Anything framed otherwise is an error, which counts as a failed request, never as a guess.
 */

export interface Answer {
  readonly status: number;
  /** Status line and headers, without the empty line. */
  readonly head: string;
  /** One character a byte. Empty when bodies are not kept. */
  readonly body: string;
}

export interface ResponseParser {
  /** Takes what arrived, one character a byte (latin1). Throws when it is not an answer that we understand. */
  feed(chunk: string): void;
}

const headMax = 32_768;
const lengthHeader = /\r\ncontent-length: *(\d+) *(?:\r\n|$)/i;

/** `answered` is called once for each whole answer; `keepBodies` false skips bodies without storing them. */
export function createResponseParser(answered: (answer: Answer) => void, keepBodies = true): ResponseParser {
  let pending = '';
  /** The answer whose body has not arrived as a whole, and how many bytes of it are missing. */
  let open: { readonly status: number; readonly head: string; body: string; missing: number } | null = null;

  const takeBody = () => {
    if (!open) return false;
    const part = pending.length > open.missing ? pending.slice(0, open.missing) : pending;
    pending = pending.slice(part.length);
    open.missing -= part.length;
    if (keepBodies) open.body += part;
    if (open.missing > 0) return false;
    const { status, head, body } = open;
    open = null;
    answered({ status, head, body });
    return true;
  };

  const takeHead = () => {
    const end = pending.indexOf('\r\n\r\n');
    if (end < 0) {
      if (pending.length > headMax) throw new Error(`no end of the head within ${headMax} bytes`);
      return false;
    }
    const head = pending.slice(0, end);
    const status = statusOf(head);
    pending = pending.slice(end + 4);
    // An interim answer: the real one follows.
    if (status >= 200) open = { status, head, body: '', missing: bodyLength(status, head) };
    return true;
  };

  return {
    feed(chunk) {
      pending = pending === '' ? chunk : pending + chunk;
      while (open ? takeBody() : pending !== '' && takeHead());
    },
  };
}

function statusOf(head: string): number {
  const status = Number(head.slice(9, 12));
  if (!head.startsWith('HTTP/1.') || !(status >= 100 && status <= 599)) throw new Error('not a status line');
  return status;
}

function bodyLength(status: number, head: string): number {
  const length = lengthHeader.exec(head)?.[1];
  if (length !== undefined) return Number(length);
  if (status === 204 || status === 304) return 0;
  throw new Error('an answer without Content-Length');
}
