/**
 * `onsale bench mesh`: what it costs to have another node answer a request, in processor time on both sides. Two
 * processes with a mesh each; the one asks in an open loop, the other answers at once with what a reservation is.
 */
import { fork } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { build } from 'hdr-histogram-js';
import type { Mesh, MeshMember } from '../engine/mesh.ts';
import { openMesh } from '../mesh/mesh.ts';
import { createLogger, createMetrics } from '../telemetry.ts';
import type { BenchIo } from './bench.ts';
import { readMachine } from './machine.ts';

export const meshDefaults = { 'per-second': 10_000, seconds: 10 };
export const meshSummary =
  'another node answers a request: µs of processor time on both sides, beside answers of our own';

/** A request that waits longer than that counts as failed. */
const deadlineMs = 5_000;

/** What is asked in place of a reservation to learn how much the peer has worked. */
const workAsked = 'how much have you worked?';

/** The exit code: 1 when a request was not answered. */
export async function runMesh(args: readonly string[], io: BenchIo): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { 'per-second': { type: 'string' }, seconds: { type: 'string' } },
  });
  const perSecond = Number(values['per-second'] ?? meshDefaults['per-second']);
  const seconds = Number(values.seconds ?? meshDefaults.seconds);
  const machine = readMachine();
  const child = fork(io.program, ['bench', 'mesh-peer']);
  const mesh = await open('asker');
  try {
    const [peer] = (await once(child, 'message')) as [MeshMember];
    child.send({ nodeId: 'asker', ...mesh.address });
    mesh.setMembers([peer]);
    while ((await ask(mesh, workAsked)) === null) await delay(10);
    const forwarded = () => ask(mesh, reservation());
    const own = async () => answerTo(reservation());
    for (const work of [own, forwarded]) await askAll(work, { perSecond, seconds: 3 });

    const alone = await askAll(own, { perSecond, seconds });
    const before = (await ask(mesh, workAsked)) as number;
    const asked = await askAll(forwarded, { perSecond, seconds });
    const peerMicros = ((await ask(mesh, workAsked)) as number) - before;

    const each = (micros: number) => (micros / asked.count).toFixed(1);
    for (const line of [
      `${machine.cores} cores ${machine.cpu}, node ${machine.node}, load before ${machine.loadBefore}, ${machine.commit}`,
      `${asked.count} requests at ${perSecond}/s, ${asked.failed} failed`,
      `asker ${each(asked.cpuMicros - alone.cpuMicros)} µs a request (${each(asked.cpuMicros)} with asking itself)`,
      `peer  ${each(peerMicros)} µs a request, with answering itself`,
      `answered after P50 ${asked.p50Ms} ms, P99 ${asked.p99Ms} ms`,
    ]) {
      io.print(line);
    }
    return asked.failed === 0 ? 0 : 1;
  } finally {
    await mesh.close();
    child.kill();
  }
}

/** `onsale bench mesh-peer`; for no one but the bench. */
export async function runMeshPeer(): Promise<number> {
  const mesh = await open('peer');
  mesh.serve(async (_from, command) => (command === workAsked ? cpuMicros() : answerTo(command as Reserve)));
  process.send?.({ nodeId: 'peer', ...mesh.address });
  const [asker] = (await once(process, 'message')) as [MeshMember];
  mesh.setMembers([asker]);
  await once(process, 'disconnect');
  await mesh.close();
  return 0;
}

interface Load {
  readonly perSecond: number;
  readonly seconds: number;
}

/** Asks what is due each millisecond, whether or not what was asked before has been answered. */
async function askAll(work: () => Promise<unknown>, { perSecond, seconds }: Load) {
  const latencies = build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000 });
  const count = perSecond * seconds;
  const open = new Set<Promise<void>>();
  let failed = 0;
  let begun = 0;
  const workedBefore = cpuMicros();
  const startMs = performance.now();
  const one = async (dueMs: number) => {
    if ((await work()) === null) failed++;
    latencies.recordValue(Math.max(1, Math.round((performance.now() - dueMs) * 1_000)));
  };
  while (begun < count) {
    const due = Math.min(count, Math.floor(((performance.now() - startMs) * perSecond) / 1_000));
    for (; begun < due; begun++) {
      const asking: Promise<void> = one(startMs + (begun * 1_000) / perSecond).finally(() => open.delete(asking));
      open.add(asking);
    }
    await delay(1);
  }
  await Promise.all(open);
  const quantileMs = (percent: number) => latencies.getValueAtPercentile(percent) / 1_000;
  return { count, failed, cpuMicros: cpuMicros() - workedBefore, p50Ms: quantileMs(50), p99Ms: quantileMs(99) };
}

/** Null: there was no answer. */
async function ask(mesh: Mesh, command: unknown): Promise<unknown> {
  const reply = await mesh.request('peer', command, Date.now() + deadlineMs);
  return reply.kind === 'answer' ? reply.value : null;
}

function open(nodeId: string): Promise<Mesh> {
  const loopback = { host: '127.0.0.1', port: 0, advertisedHost: '127.0.0.1' };
  const metrics = createMetrics();
  return openMesh({ nodeId, ...loopback, clock: { now: Date.now }, metrics, log: createLogger('error') });
}

const eventId = randomUUID();
const zoneId = randomUUID();
const userIds = Array.from({ length: 1_024 }, () => randomUUID());
const keys = Array.from({ length: 1_024 }, () => randomBytes(16).toString('latin1'));
let asked = 0;

type Reserve = ReturnType<typeof reservation>;

/** As actors/zone-requests.ts has it. */
function reservation() {
  const n = asked++ % 1_024;
  const [userId, key] = [userIds[n], keys[n]];
  return { kind: 'reserve', eventId, zoneId, userId, key, fingerprint: key, quantity: 2 };
}

function answerTo({ userId, quantity }: Reserve) {
  const [amountMinor, createdAtMs] = [250_000, Date.now()];
  const expiresAtMs = createdAtMs + 600_000;
  const value = {
    bookingId: userId,
    eventId,
    zoneId,
    quantity,
    amountMinor,
    currency: 'THB',
    createdAtMs,
    expiresAtMs,
  };
  return { ok: true, value: { ...value, replayed: false } };
}

/** Of all threads of this process. */
function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
