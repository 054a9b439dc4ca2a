/** Many who wait on live connections to one process: what they cost it, how fresh what they see is, and who suffers. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Cores, splitCores } from '../cores.ts';
import type { LoadFigures } from '../figures.ts';
import type { Load } from '../load/job.ts';
import { cpuOf, measure, openSession, type Session } from '../measurement.ts';
import { readMetrics } from '../metrics-page.ts';
import { residentMbOf } from '../processes.ts';
import type { Observation } from '../report/report.ts';
import { putOnSale } from '../rush-scene.ts';
import type { Part, PartOptions } from './part.ts';
import { openRoomServer, type RoomServer } from './room-server.ts';
import { startWaiters, type Waiters } from './waiters.ts';

/** As the specification says. */
const aims = { coreShare: 0.15, turnMs: 10, ageMs: 1_000, timesSlower: 2 };
/** What joining left behind must be over before anything is measured. */
const calmMs = 3_000;

export const live: Part = {
  summary: '--sockets people on live connections to one process, reservations beside them',
  async run(options) {
    const { program, settings, sockets, print } = options;
    const cores = splitCores(options['server-cores']);
    const wide = { LIVE_CONNECTIONS_MAX: String(sockets + 1_000), ...settings };
    const room = await openRoomServer({ program, settings: wide, cores: cores.server, users: sockets, seats: 10_000 });
    let waiters: Waiters | null = null;
    try {
      const session = await besides(room, options, cores.generators);
      const alone = await measure(session.open, session.load);
      const { address, roomFile, before } = session;
      waiters = await startWaiters(program, { address, fixtureFile: roomFile }, cores.generators);
      await delay(calmMs);
      const cost = await watched(room, waiters, options.seconds);
      const after = residentMbOf(room.server.pid) ?? 0;
      const [beside, busy] = await Promise.all([
        measure(session.open, session.load),
        waiters.listen(options.seconds + options['warm-up']),
      ]);
      return {
        observations: [
          ...cost.observations,
          { what: 'memory a person and socket', value: `${(((after - before) * 1024) / sockets).toFixed(1)} KiB` },
          slowdown(alone, beside),
          { what: 'seen at a random moment meanwhile', value: `P99 ${busy.seen.p99.toFixed(0)} ms` },
        ],
        broken: [
          ...(busy.lost > 0 ? [`${busy.lost} live connections were lost`] : []),
          ...(beside.counts.failed > 0 ? [`${beside.counts.failed} reservations failed`] : []),
          ...(await room.check(print)),
        ],
      };
    } finally {
      waiters?.close();
      await room.close();
    }
  },
};

interface Beside {
  readonly open: Session;
  readonly load: Load;
  readonly roomFile: string;
  readonly address: { readonly host: string; readonly port: number };
  /** MB of the server before anybody waits. */
  readonly before: number;
}

/** A second event on the same server, without a waiting room, whose seats are reserved at a steady rate. */
async function besides(room: RoomServer, options: PartOptions, cores: Cores): Promise<Beside> {
  const { server, facts, urls, ackedFile, fixtureFile } = room;
  const roomFile = join(server.dataDir, 'room.json');
  copyFileSync(fixtureFile, roomFile);
  const { program, connections, generators, seconds } = options;
  const rate = options['reserve-rate'];
  const requests = 2 * rate * (seconds + options['warm-up']);
  await putOnSale(server.dataDir, urls, { users: 20_000, zones: 1, seatsPerZone: 2 * requests, maxPerUser: 1_000 });
  const subject = {
    ...{ name: 'onsale', baseUrl: server.baseUrl, fixtureFile, ackedFile, stores: facts },
    processes: { server: server.pid, redis: facts.redisPid, postgres: facts.postgresPid },
    check: () => Promise.reject(new Error('the room’s server is checked as a whole')),
    close: async () => {},
  };
  const { hostname: host, port } = new URL(server.baseUrl);
  return {
    roomFile,
    open: openSession(subject, { program, generators, cores, driver: 'reserve' }),
    load: {
      ...{ label: 'reserve', loop: 'open', spacing: 'poisson', herd: null, connections, seed: 1 },
      profile: [{ ratePerSecond: rate, seconds: options['warm-up'] + seconds }],
      ...{ warmUpSeconds: options['warm-up'], timeoutMs: 10_000, unsentMs: 10_000 },
    },
    address: { host, port: Number(port) },
    before: residentMbOf(server.pid) ?? 0,
  };
}

/** Processor time, turns and freshness while nothing happens but the ticks. */
async function watched({ server, facts }: RoomServer, waiters: Waiters, seconds: number) {
  const processes = { server: server.pid, redis: facts.redisPid, postgres: facts.postgresPid };
  // Reading them begins the measurement of the event loop anew.
  await readMetrics(server.baseUrl);
  const from = cpuOf(processes);
  const { onArrival, seen, messages, lost } = await waiters.listen(seconds);
  const to = cpuOf(processes);
  const page = await readMetrics(server.baseUrl);
  const share = ((to.server ?? 0) - (from.server ?? 0)) / seconds;
  const lateMs = (page?.get('event_loop_lag_seconds') ?? 0) * 1_000;
  const ms = (value: number) => `${value.toFixed(0)} ms`;
  const observations: readonly Observation[] = [
    { what: 'messages', value: `${Math.round(messages / seconds)}/s, ${lost} connections lost` },
    {
      what: 'processor time of the server',
      value: `${(100 * share).toFixed(1)} % of a core`,
      aim: { text: 'below 15 %', met: share < aims.coreShare },
    },
    {
      what: 'event loop late by at most',
      value: `${lateMs.toFixed(1)} ms`,
      aim: { text: 'at most 10 ms', met: lateMs <= aims.turnMs },
    },
    {
      what: 'age of a position when it is told',
      value: `P50 ${ms(onArrival.p50)}, P99 ${ms(onArrival.p99)}, at most ${ms(onArrival.max)}`,
    },
    // Until the next one comes it grows older by up to a tick.
    {
      what: 'age at a random moment',
      value: `P50 ${ms(seen.p50)}, P99 ${ms(seen.p99)}`,
      aim: { text: 'P99 at most 1 s', met: seen.p99 <= aims.ageMs },
    },
  ];
  return { observations };
}

function slowdown(alone: LoadFigures, beside: LoadFigures): Observation {
  const times = beside.all.p99 / alone.all.p99;
  return {
    what: `P99 of ${Math.round(beside.offeredPerSecond)} reservations/s, alone and beside them`,
    value: `${alone.all.p99.toFixed(1)} ms and ${beside.all.p99.toFixed(1)} ms, ${times.toFixed(2)} times`,
    aim: { text: 'at most 2 times', met: times <= aims.timesSlower },
  };
}
