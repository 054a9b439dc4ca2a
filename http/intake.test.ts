import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Rejection } from '../engine/outcome.ts';
import { startEdge, type TestEdge } from '../test/edge.ts';
import { RawConnection } from '../test/raw-connection.ts';
import { type Arrival, Intake } from './intake.ts';
import { defineRoute } from './route.ts';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('the intake', () => {
  let proceeded: number[];
  let refused: Rejection[];
  let intake: Intake;
  beforeEach(() => {
    proceeded = [];
    refused = [];
    intake = new Intake(1_000);
  });

  const arrive = (
    name: number,
    startedAtMs = performance.now(),
  ): { -readonly [key in keyof Arrival]: Arrival[key] } => {
    const arrival = {
      startedAtMs,
      isOpen: true,
      proceed: () => void proceeded.push(name),
      refuse: (rejection: Rejection) => void refused.push(rejection),
    };
    intake.take(arrival);
    return arrival;
  };
  const crowd = (size: number) => Array.from({ length: size }, (_, name) => name);

  it('keeps nobody waiting who comes alone', () => {
    arrive(1);
    expect(proceeded).toEqual([1]);
  });

  it('takes a part of a crowd in each turn of the loop, in order of arrival', async () => {
    for (const name of crowd(1_000)) arrive(name);
    const counts = [proceeded.length];
    while (proceeded.length < 1_000) {
      await nextTurn();
      counts.push(proceeded.length);
    }
    expect(proceeded).toEqual(crowd(1_000));
    const most = Math.max(...counts.map((count, at) => count - (counts[at - 1] ?? 0)));
    expect(most).toBeLessThanOrEqual(128);
  });

  it('lets nobody overtake who waits', async () => {
    for (const name of crowd(200)) arrive(name);
    await nextTurn();
    arrive(200);
    while (proceeded.length < 201) await nextTurn();
    expect(proceeded).toEqual(crowd(201));
  });

  it('serves nobody who has hung up meanwhile', async () => {
    const arrivals = crowd(300).map((name) => arrive(name));
    const last = arrivals[299] as (typeof arrivals)[number];
    last.isOpen = false;
    while (proceeded.length < 299) await nextTurn();
    await nextTurn();
    expect(proceeded).toEqual(crowd(299));
    expect(refused).toEqual([]);
  });

  it('tells whoever has waited for too long to come again', async () => {
    for (const name of crowd(200)) arrive(name, performance.now() - 1_001);
    while (proceeded.length + refused.length < 200) await nextTurn();
    // Those of the first turn have not waited here.
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 1 });
  });
});

describe('a server that a crowd comes to', () => {
  const seen: string[] = [];
  const route = (name: string, isCrowded: boolean) =>
    defineRoute({
      method: 'POST',
      path: `/api/v1/${name}`,
      area: 'Test',
      summary: 'For tests',
      limit: null,
      who: 'anyone',
      isCrowded,
      body: z.object({ fails: z.boolean().optional() }),
      answers: { 200: z.object({}) },
      handle(call) {
        if (call.body.fails) throw new Error('a fault of the handler');
        seen.push(name);
        call.reply(200, {});
      },
    });
  const request = (name: string, body = '{}') =>
    `POST /api/v1/${name} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

  let edge: TestEdge;
  let connections: RawConnection[];
  beforeAll(async () => {
    edge = await startEdge([route('buy', true), route('pay', false)]);
    connections = await Promise.all(Array.from({ length: 400 }, () => RawConnection.open(edge.port)));
  });
  afterAll(async () => {
    for (const connection of connections) connection.close();
    await edge.stop();
  });
  beforeEach(() => seen.splice(0));

  it('lets who pays not wait for those who came to buy, though they came before', async () => {
    const buyers = connections.slice(0, -1);
    const payer = connections.at(-1);
    for (const buyer of buyers) buyer.write(request('buy'));
    payer?.write(request('pay'));
    const answers = await Promise.all(connections.map((connection) => connection.answer()));
    expect(answers.filter((answer) => answer.startsWith('HTTP/1.1 200'))).toHaveLength(400);
    expect(seen).toHaveLength(400);
    expect(seen.indexOf('pay')).toBeLessThan(200);
  });

  it('answers 500 to each whose handler fails, and goes on', async () => {
    const late = await Promise.all(Array.from({ length: 200 }, () => RawConnection.open(edge.port)));
    for (const connection of late) connection.write(request('buy', '{"fails":true}'));
    const answers = await Promise.all(late.map((connection) => connection.answer()));
    expect(answers.filter((answer) => answer.startsWith('HTTP/1.1 500'))).toHaveLength(200);
    for (const connection of late) connection.close();
  });
});
