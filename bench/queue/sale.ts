/**
 * A whole sale behind its waiting room: everybody joins over a live connection, some slots, a checkout that takes its
 * time, people who do not show up. Slots, order and estimates are judged by what the visitors saw and by the log.
 */
import { positionFrom } from '../../engine/line.ts';
import { waitEstimate } from '../../engine/wait-estimate.ts';
import { chanceFrom } from '../chance.ts';
import { createHttpClient } from '../http-client.ts';
import type { Observation } from '../report/report.ts';
import { createShopClient } from '../shop-client.ts';
import type { Part, PartOptions } from './part.ts';
import { openRoomServer, type RoomServer } from './room-server.ts';
import { type Visit, visit } from './visitor.ts';

/** As the specification says. */
const idleLimitMs = 1_000;
const coverageAim = 0.8;
/** Handshakes and joins under way at a time: a sale's first seconds, as fast as one process sends them. */
const arrivingMax = 200;
/** Of the messages that a waiting person gets, each so many-th is judged. */
const judgedEvery = 5;

export const sale: Part = {
  summary:
    '--crowd people, --slots slots, checkouts of --checkout-from to --checkout-to seconds, --no-shows of a hundred',
  async run(options) {
    const { program, settings, crowd, slots, speed, print } = options;
    const room = await openRoomServer({ program, settings, users: crowd, seats: 2 * crowd });
    try {
      const passTtl = Math.max(1, Math.round(options['checkout-to'] / speed));
      await room.configure({ max_concurrent: slots, pass_ttl: passTtl });
      const { visits, troubles, told } = await sell(room, options);
      const idle = idleTimes(visits, slots);
      const [peak] = await room.logged<{ most: number }>(peakSql);
      const most = peak?.most ?? 0;
      return {
        observations: [
          { what: 'time', value: speed === 1 ? 'as said' : `${speed} times faster than said` },
          { what: 'admitted, and bought', value: `${visits.length}, ${visits.filter((one) => one.hasBought).length}` },
          { what: 'at the same time', value: `${most}`, aim: { text: `at most ${slots}`, met: most <= slots } },
          idleObservation(idle),
          coverageObservation(visits, told),
        ],
        broken: [
          ...troubles,
          ...(most > slots ? [`${most} were active at the same time, ${slots} are allowed`] : []),
          ...(visits.length + troubles.length < crowd ? [`only ${visits.length} of ${crowd} were admitted`] : []),
          ...(await room.check(print)),
        ],
      };
    } finally {
      await room.close();
    }
  },
};

/** Most people with a slot at the same time, by the log's own order. */
const peakSql = `
  select max(active)::int as most from (
    select sum(case kind when 'admit' then 1 when 'release' then -1 else 0 end) over (order by seq) as active
    from queue_log where event_id = $1
  ) as course`;

/** What everybody was told at one moment. */
interface Told {
  readonly atMs: number;
  readonly lines: { readonly regular: Parameters<typeof positionFrom>[0] };
  readonly release_rates: readonly number[];
  readonly max_concurrent: number;
  readonly rate_per_minute: number | null;
}

async function sell(
  { server, fixture }: RoomServer,
  options: PartOptions,
): Promise<{ visits: readonly Visit[]; troubles: readonly string[]; told: readonly Told[] }> {
  const { event_id: eventId, show_id: showId, users, zone_ids } = fixture;
  const { hostname: host, port } = new URL(server.baseUrl);
  const http = createHttpClient({ connectionsMax: 256, timeoutMs: 10_000, patienceMs: 60_000, observe: () => {} });
  const shop = createShopClient(http, { baseUrl: server.baseUrl, sandboxUrl: server.sandboxUrl, eventId, showId });
  const visits: Visit[] = [];
  const troubles: string[] = [];
  const told: Told[] = [];
  const ticks = new Set<string>();
  const heard = (payload: Buffer) => {
    // All get the same bytes, which end with the time of the tick.
    const tick = payload.toString('latin1', payload.length - 30);
    if (ticks.has(tick)) return;
    ticks.add(tick);
    told.push({ atMs: Date.now(), ...JSON.parse(payload.toString()) });
  };
  const ms = (seconds: number) => Math.round((seconds * 1_000) / options.speed);
  const common = {
    ...{ address: { host, port: Number(port) }, eventId, zoneId: zone_ids[0] ?? '', shop, heard },
    noShows: options['no-shows'],
    checkoutMs: { least: ms(options['checkout-from']), most: ms(options['checkout-to']) },
  };
  const arrivals = users.entries();
  const underWay: Promise<void>[] = [];
  const come = async (): Promise<void> => {
    for (const [index, user] of arrivals) {
      await new Promise<void>((placed) => {
        const visited = visit({ ...common, user, chance: chanceFrom(index + 1), placed });
        const noted = visited.then(
          (one) => void visits.push(one),
          (error: unknown) => void troubles.push(String(error)),
        );
        underWay.push(noted);
        void noted.then(placed);
      });
    }
  };
  await Promise.all(Array.from({ length: arrivingMax }, come));
  await Promise.all(underWay);
  http.close();
  return { visits, troubles, told };
}

/**
 * The n-th slot that became free goes to the n-th who is admitted after the first ones: how long each lay idle while
 * that one was there already, in ms.
 */
function idleTimes(visits: readonly Visit[], slots: number): readonly number[] {
  const next = visits.toSorted((a, b) => a.admittedAtMs - b.admittedAtMs).slice(slots);
  const ends = visits.map(({ endedAtMs }) => endedAtMs).sort((a, b) => a - b);
  const idle = next.map(({ joinedAtMs, admittedAtMs }, index) =>
    Math.max(0, admittedAtMs - Math.max(joinedAtMs, ends[index] ?? admittedAtMs)),
  );
  return idle.sort((a, b) => a - b);
}

function idleObservation(idle: readonly number[]): Observation {
  const at = (share: number) => idle[Math.min(idle.length - 1, Math.floor(share * idle.length))] ?? 0;
  return {
    what: 'a free slot lay idle while people waited',
    value: `P50 ${at(0.5)} ms, P99 ${at(0.99)} ms, at most ${at(1)} ms`,
    aim: { text: `at most ${idleLimitMs} ms`, met: at(1) <= idleLimitMs },
  };
}

/** Of the waits that were shown: how many came true, by the visitors' own clock. */
function coverageObservation(visits: readonly Visit[], told: readonly Told[]): Observation {
  const judged = told.filter((_, index) => index % judgedEvery === 0);
  let shown = 0;
  let covered = 0;
  for (const { place, joinedAtMs, admittedAtMs } of visits)
    for (const { atMs, lines, release_rates, max_concurrent, rate_per_minute } of judged) {
      if (place === 0 || atMs < joinedAtMs || atMs >= admittedAtMs) continue;
      const position = positionFrom(lines.regular, place);
      const terms = { maxConcurrent: max_concurrent, ratePerMinute: rate_per_minute };
      const estimate = position > 0 ? waitEstimate(position, release_rates, terms) : null;
      if (!estimate) continue;
      shown++;
      const waitMs = admittedAtMs - atMs;
      // As a page shows it: whole seconds, outwards.
      const [low, high] = [Math.floor(estimate.lowMs / 1_000), Math.ceil(estimate.highMs / 1_000)];
      if (low * 1_000 <= waitMs && waitMs <= high * 1_000) covered++;
    }
  const share = shown === 0 ? 0 : covered / shown;
  return {
    what: 'intervals of the wait that came true',
    value: `${(100 * share).toFixed(1)} % of ${shown}`,
    aim: { text: 'at least 80 %', met: share >= coverageAim },
  };
}
