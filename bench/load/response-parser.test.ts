import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Answer, createResponseParser } from './response-parser.ts';

const created = `HTTP/1.1 201 Created\r\nContent-Type: application/json\r\ncontent-length: 21\r\n\r\n{"a":"\r\n\r\nHTTP/1.1 "}`;
const busy = 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n';
const none = 'HTTP/1.1 204 No Content\r\nX: y\r\n\r\n';
const early = 'HTTP/1.1 100 Continue\r\n\r\n';

function parse(chunks: readonly string[], keepBodies = true): Answer[] {
  const answers: Answer[] = [];
  const parser = createResponseParser((answer) => answers.push(answer), keepBodies);
  for (const chunk of chunks) parser.feed(chunk);
  return answers;
}

describe('createResponseParser', () => {
  it('reads the same answers wherever the bytes are cut', () => {
    const wire = created + early + busy + none + created;
    fc.assert(
      fc.property(fc.array(fc.nat(wire.length), { maxLength: 8 }), (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), wire.length];
        const answers = parse(edges.slice(1).map((edge, i) => wire.slice(edges[i], edge)));
        expect(answers.map(({ status }) => status)).toEqual([201, 503, 204, 201]);
        expect(answers[0]?.body).toBe('{"a":"\r\n\r\nHTTP/1.1 "}'.slice(0, 21));
        expect(answers[1]?.head).toContain('Retry-After: 1');
        expect(answers[3]?.body).toBe(answers[0]?.body);
      }),
    );
  });

  it('reads them byte by byte', () => {
    expect(parse([...(busy + created)]).map(({ status }) => status)).toEqual([503, 201]);
  });

  it('says nothing before the last byte has come', () => {
    expect(parse([created.slice(0, -1)])).toEqual([]);
  });

  it('skips bodies when they are not wanted', () => {
    expect(parse([created, busy], false).map(({ body }) => body)).toEqual(['', '']);
  });

  it('refuses what it cannot frame', () => {
    expect(() => parse(['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'])).toThrow('Content-Length');
    expect(() => parse(['SSH-2.0-OpenSSH\r\n\r\n'])).toThrow('status line');
    expect(() => parse(['HTTP/1.1 200 OK\r\n', 'x'.repeat(40_000)])).toThrow('head');
  });
});
