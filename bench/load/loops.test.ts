/** The loops against servers that stall, close and stay silent. Times are asserted from below only. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { runClosedLoop } from './closed-loop.ts';
import { runHerd } from './herd.ts';
import { runOpenLoop, type Work } from './open-loop.ts';
import { scheduleArrivals } from './schedule.ts';
import { openTally, type Recorder, recordInto, type Tally } from './tally.ts';

const ok = 'HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}';
const answer = (socket: Socket) => void socket.write(ok);

interface Bench {
  readonly work: Work;
  readonly tally: Tally;
  readonly recorder: Recorder;
  readonly startMs: number;
}

describe('the loops', () => {
  let close = async () => {};
  afterEach(() => close());

  it('shows a stall to everybody who was due in it, not only to who was under way', async () => {
    let stalled = true;
    const held: Socket[] = [];
    const { work, tally, recorder, startMs } = await bench((socket) => {
      if (stalled) held.push(socket);
      else answer(socket);
    });
    const stallMs = 400;
    setTimeout(
      () => {
        stalled = false;
        held.forEach(answer);
      },
      startMs + stallMs - performance.now(),
    );
    const arrivals = scheduleArrivals([{ ratePerSecond: 1_000, seconds: 0.4 }], { index: 0, count: 1 }, null);
    let backlogMax = 0;
    const backlog = (length: number) => {
      backlogMax = Math.max(backlogMax, length);
    };
    await runOpenLoop(work, { startMs, arrivals, due: recorder.due, backlog });

    expect(tally.byVerdict.accepted.totalCount).toBe(400);
    // Two connections: two requests saw the stall from their sending, everybody of the first half from their intent.
    expect(tally.all.getValueAtPercentile(50)).toBeGreaterThan(190_000);
    expect(tally.fromSend.getValueAtPercentile(50)).toBeLessThan(tally.all.getValueAtPercentile(50));
    expect(backlogMax).toBeGreaterThan(300);
  });

  it('counts who gives up, sent or not, and goes on when the server does', async () => {
    let served = 0;
    const { work, tally, recorder, startMs } = await bench((socket) => void (++served > 2 && answer(socket)), 150);
    const arrivals = scheduleArrivals([{ ratePerSecond: 20, seconds: 1 }], { index: 0, count: 1 }, null);
    await runOpenLoop(work, { startMs, arrivals, due: recorder.due, backlog: () => {} });
    // More when this process itself had to wait.
    expect(tally.reasons.timeout).toBeGreaterThanOrEqual(2);
    expect(tally.unanswered).toBe(tally.reasons.timeout);
    expect(tally.reasons[201]).toBeGreaterThan(0);
    expect(tally.all.totalCount).toBe(20);
    expect(Object.values(tally.reasons).reduce((sum, count) => sum + count)).toBe(20);
  });

  it('lets go whoever gets no connection, and cuts nobody off for it', async () => {
    const { work, tally, recorder, startMs } = await bench((socket) => void setTimeout(() => answer(socket), 200));
    const arrivals = scheduleArrivals([{ ratePerSecond: 100, seconds: 1 }], { index: 0, count: 1 }, null);
    await runOpenLoop({ ...work, unsentMs: 20 }, { startMs, arrivals, due: recorder.due, backlog: () => {} });
    expect(Object.keys(tally.reasons).sort()).toEqual(['201', 'unsent']);
    // Two connections, five answers a second each.
    expect(tally.reasons[201]).toBeLessThanOrEqual(12);
    expect(tally.all.totalCount).toBe(100);
  });

  it('counts a request whose connection was closed as a failure and connects again', async () => {
    let served = 0;
    const { work, tally, recorder, startMs } = await bench((socket) => {
      if (served++ % 5 === 0) socket.destroy();
      else answer(socket);
    });
    await runClosedLoop(work, { startMs, endMs: startMs + 1_000, due: recorder.due });
    expect(tally.reasons.reset).toBeGreaterThan(0);
    expect(tally.reasons.reset).toBe(tally.unanswered);
    expect(tally.reasons[201]).toBe(served - tally.unanswered);
  });

  it('begins a closed loop though its timer fires before its time, as one in fifty does by a fraction', async () => {
    const { work, tally, recorder, startMs } = await bench(answer);
    const inTime = globalThis.setTimeout;
    vi.stubGlobal('setTimeout', (wake: () => void, ms: number) => inTime(wake, ms - 10));
    const running = runClosedLoop(work, { startMs, endMs: startMs + 200, due: recorder.due });
    vi.unstubAllGlobals();
    await running;
    expect(tally.reasons[201]).toBeGreaterThan(0);
  });

  it('lets a herd come in one instant, each on a socket of its own', async () => {
    const sockets = new Set<Socket>();
    const { work, tally, recorder, startMs } = await bench((socket) => {
      sockets.add(socket);
      answer(socket);
    });
    for (const connectsBefore of [false, true])
      await runHerd(work, { atMs: startMs, sockets: 50, connectsBefore, due: recorder.due });
    expect(sockets.size).toBe(100);
    expect(tally.reasons).toEqual({ 201: 100 });
  });

  /** A server that calls `serve` for each request, and work for it that begins soon, over two connections. */
  async function bench(serve: (socket: Socket) => void, timeoutMs = 5_000): Promise<Bench> {
    const open = new Set<Socket>();
    const server = createServer((socket) => {
      open.add(socket);
      socket.on('data', () => serve(socket));
      socket.on('error', () => {});
      socket.on('close', () => open.delete(socket));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    close = async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    };
    const startMs = performance.now() + 50;
    const tally = openTally();
    const recorder = recordInto(tally, startMs, 0);
    let number = 0;
    const work: Work = {
      address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
      connections: 2,
      timeoutMs,
      unsentMs: timeoutMs,
      keepBodies: true,
      compose: ({ number }) => `GET /${number} HTTP/1.1\r\n\r\n`,
      nextNumber: () => number++,
      settle({ intendedMs, sentMs }, answered, doneMs) {
        const isText = typeof answered === 'string';
        recorder.settled({
          intendedMs,
          sentMs: answered === 'unsent' ? null : sentMs,
          doneMs,
          verdict: isText ? 'failed' : 'accepted',
          reason: isText ? answered : String(answered.status),
          isUnknown: isText && answered !== 'unsent',
        });
      },
    };
    return { work, tally, recorder, startMs };
  }
});
