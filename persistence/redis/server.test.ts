/** What a server is called, through restarts and fail-overs. Lost answers are test/lost-answers.test.ts. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { batchOf, countersOf, newId, noonMs, reserveCommand, snapshotOf } from '../../test/contracts/event-sample.ts';
import { heapGrowth } from '../../test/heap.ts';
import { type RedisUnderTest, replicate, startRedisServer } from '../../test/redis-servers.ts';
import { openTcpLine, type TcpLine } from '../../test/tcp-line.ts';
import { connectGate, type GateConnection } from './connection.ts';
import { createGate } from './gate.ts';
import { createRegister } from './register.ts';

let one: RedisUnderTest;
let two: RedisUnderTest;
let front: TcpLine;
let connection: GateConnection;
beforeEach(async () => {
  [one, two] = [await startRedisServer(), await startRedisServer()];
  await replicate(one, two);
  front = await openTcpLine('127.0.0.1', one.port);
  connection = connectGate(`redis://127.0.0.1:${front.port}`, { commandTimeoutMs: 5_000, failed: () => {} });
});
afterEach(async () => {
  connection.close();
  await front.close();
  await Promise.all([one.stop(), two.stop()]);
});

const name = async () => (await connection.all(5_000))[0]?.runId;

it('leaves a server that became a replica for the one that its address leads to', async () => {
  const before = await name();
  await two.admin.replicaof('NO', 'ONE');
  await one.admin.replicaof('127.0.0.1', two.port);
  front.leadTo(two.port);
  const register = createRegister(connection, { cluster: 'test', memberTtlMs: 5_000 });
  const address = { endpoint: '', publicKey: '' };
  const beat = () => register.beat({ nodeId: 'a', incarnation: '1', state: 'serving', address }, true);
  await vi.waitFor(async () => expect((await beat()).kind).toBe('present'), 10_000);
  expect(await name()).not.toBe(before);
});

it('does not take a master that came back for the one that it was: what it forgot meanwhile is nobody told', async () => {
  const gate = createGate(connection, () => noonMs);
  const [eventId, zoneId, sibling] = [newId(), newId(), newId()];
  const zones = [zoneId, sibling].map((id) => ({ zoneId: id, epoch: 1, version: 0, ...countersOf(10) }));
  await gate.rebuild(snapshotOf({ eventId, generation: 1, zones }));
  const lease = { eventId, zoneId, epoch: 1, generation: 1 };
  await vi.waitFor(async () => expect(await two.admin.exists(`{${eventId}}:gate`)).toBe(1), 10_000);
  await two.admin.replicaof('NO', 'ONE');
  // Of the sibling zone: the limit of its buyer is forgotten, and this zone's own version is none the wiser.
  expect(await gate.apply(batchOf({ ...lease, zoneId: sibling }, 0, [reserveCommand()]))).toMatchObject({ ok: true });
  await replicate(two, one);
  await one.admin.replicaof('NO', 'ONE');
  front.hangUp();
  await connection.all(5_000);
  expect(await gate.apply(batchOf(lease, 0, [reserveCommand()]))).toEqual({ ok: false, reason: 'stale' });
  expect(await gate.isBuilt(eventId, 1)).toBe(false);
});

it('keeps nothing of those who could not wait for it: a request a millisecond for minutes would fill the memory', async () => {
  const nowhere = connectGate('redis://127.0.0.1:1', { commandTimeoutMs: 100, failed: () => {} });
  const asked = () => Promise.allSettled(Array.from({ length: 1_000 }, () => nowhere.all(0)));
  const grownBytes = await heapGrowth(async () => {
    for (let round = 0; round < 50; round++) await asked();
  });
  nowhere.close();
  expect(grownBytes).toBeLessThan(5_000_000);
});
