/**
 * `onsale bench outage`: a sale on a real Kafka that goes away and comes back. Before, meanwhile and after, the same load is
 * measured; holds run out and some buyers pay, so that bookings have several events. In the end every topic, as another client
 * reads it, is held against the tables.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { topics } from '../../engine/topics.ts';
import type { LoadFigures } from '../figures.ts';
import type { Load } from '../load/job.ts';
import { type LoadOptions, type Numbers, profiledLoad, readLoadOptions } from '../load-options.ts';
import { conclude, headingOf, type LoadIo, progressLine, saleFor } from '../load-run.ts';
import { undeclaredErrors } from '../load-scenario.ts';
import { measure, openSession, type Session } from '../measurement.ts';
import { readMetrics } from '../metrics-page.ts';
import type { Observation } from '../report/report.ts';
import { withPostgres } from '../stores.ts';
import { type OwnSubject, openOwnSubject } from '../subject.ts';
import { type Broker, readTopic, startBroker } from './broker.ts';
import { type Payers, startPayers } from './payers.ts';
import { compareStories, type Stories, StoryTeller } from './stories.ts';

export const outageDefaults: Partial<Numbers> = {
  ...{ rate: 400, 'warm-up': 5, seconds: 15, outage: 600, after: 60 },
  ...{ connections: 64, users: 20_000, zones: 4, 'hold-seconds': 30 },
};
export const outageSummary =
  'Kafka away for --outage seconds of a sale at --rate; --seconds before and --after; needs --jars';

const settlePatienceMs = 600_000;
const pollMs = 500;

export async function runOutage(args: readonly string[], io: LoadIo): Promise<number> {
  const options = readLoadOptions(args, outageDefaults);
  if (options.jars === null) throw new TypeError('outage needs --jars: where `.ci/kafka.sh get` put the broker');
  const heading = headingOf('outage', args);
  const phases = phasesOf(options);
  const sale = saleFor(options, Object.values(phases));
  const broker = await startBroker(options.jars);
  try {
    const { settings: more, 'hold-seconds': holdSeconds, generators } = options;
    const settings = { ...more, KAFKA_BROKERS: broker.address };
    const subject = await openOwnSubject({ program: io.program, sale, holdSeconds, settings, sandboxApart: true });
    try {
      const session = openSession(subject, { program: io.program, generators, cores: null, driver: options.driver });
      const drill = await rehearse({ subject, session, broker, io }, phases);
      await lastWord(subject, holdSeconds);
      const told = await compareLog(subject, broker);
      const verified = await subject.check(session.promised);
      const broken = [...undeclaredErrors(drill.loads), ...told.broken, ...verified.broken];
      return conclude(
        {
          ...heading,
          ...{ generators, serverCores: 0, driver: options.driver, sale, holdSeconds, loads: drill.loads },
          subjects: [{ name: subject.name, stores: subject.stores, verified }],
          observations: [...drill.observations, ...told.observations],
          broken,
        },
        options.out,
        io,
      );
    } finally {
      await subject.close();
    }
  } finally {
    await broker.remove();
  }
}

type Phases = Readonly<Record<'before' | 'away' | 'after', Load>>;

function phasesOf(options: LoadOptions): Phases {
  const { rate: ratePerSecond, seconds, outage, after, 'warm-up': warmUp } = options;
  const cold = profiledLoad(options, 'Kafka there', [{ ratePerSecond, seconds: warmUp + seconds }]);
  const warm = { ...options, 'warm-up': 0 };
  return {
    before: cold,
    away: profiledLoad(warm, 'Kafka away', [{ ratePerSecond, seconds: outage }]),
    after: profiledLoad(warm, 'Kafka back', [{ ratePerSecond, seconds: after }]),
  };
}

interface Scene {
  readonly subject: OwnSubject;
  readonly session: Session;
  readonly broker: Broker;
  readonly io: LoadIo;
}

interface Rehearsed {
  readonly loads: readonly LoadFigures[];
  readonly observations: readonly Observation[];
}

async function rehearse({ subject, session, broker, io }: Scene, phases: Phases): Promise<Rehearsed> {
  const loads: LoadFigures[] = [];
  const put = async (load: Load) => {
    loads.push(await measure(session, load));
    io.print(progressLine(loads.at(-1) as LoadFigures));
  };
  const payers = startPayers(subject);
  await put(phases.before);
  await broker.stop();
  const soldBefore = payers.confirmed;
  await put(phases.away);
  const soldMeanwhile = payers.confirmed - soldBefore;
  const backlog = await readBacklog(subject.databaseUrl);
  io.print(`Kafka was away: ${backlog.events} events in ${backlog.rows} rows wait`);
  await broker.start();
  const startMs = performance.now();
  const underLoad = put(phases.after);
  const drained = await until(async () => (await outboxAge(subject)) < 1, startMs);
  await underLoad;
  session.promised.accepted += await leave(payers);
  const settled = await until(() => isSettled(subject), startMs);
  return { loads, observations: observationsOf({ backlog, soldMeanwhile, drained, settled }) };
}

/** Holds that still run out say so: tables and log are compared when nobody has anything to say any more. */
async function lastWord(subject: OwnSubject, holdSeconds: number): Promise<void> {
  await delay((holdSeconds + 2) * 1_000);
  await until(() => isSettled(subject), performance.now());
}

async function leave(payers: Payers): Promise<number> {
  await payers.stop();
  return payers.held;
}

/** Seconds since `startMs` until `isSo`; null when that never came. */
async function until(isSo: () => Promise<boolean>, startMs: number): Promise<number | null> {
  while (performance.now() - startMs < settlePatienceMs) {
    if (await isSo()) return (performance.now() - startMs) / 1_000;
    await delay(pollMs);
  }
  return null;
}

async function outboxAge({ baseUrl }: OwnSubject): Promise<number> {
  const page = await readMetrics(baseUrl);
  return page?.get('outbox_age_seconds') ?? Number.POSITIVE_INFINITY;
}

/** Every row is in the log, and every consumer has taken what it wants of it. */
async function isSettled({ baseUrl }: OwnSubject): Promise<boolean> {
  const page = (await readMetrics(baseUrl)) ?? new Map<string, number>();
  const lags = [...page].filter(([series]) => series.startsWith('kafka_consumer_lag{'));
  return page.get('outbox_backlog') === 0 && lags.length > 0 && lags.every(([, events]) => events === 0);
}

interface Backlog {
  readonly rows: number;
  readonly events: number;
}

async function readBacklog(databaseUrl: string): Promise<Backlog> {
  const text = `
    select count(*)::int as rows, coalesce(sum(json_array_length(events::json)), 0)::int as events
    from outbox where published_at is null`;
  return withPostgres(databaseUrl, async (client) => (await client.query<Backlog>(text)).rows[0] as Backlog);
}

interface Course {
  readonly backlog: Backlog;
  readonly soldMeanwhile: number;
  readonly drained: number | null;
  readonly settled: number | null;
}

function observationsOf({ backlog, soldMeanwhile, drained, settled }: Course): readonly Observation[] {
  const after = (seconds: number | null) => (seconds === null ? 'never' : `${seconds.toFixed(1)} s`);
  return [
    { what: 'bookings paid and confirmed while Kafka was away', value: String(soldMeanwhile) },
    { what: 'waiting when it came back', value: `${backlog.events} events in ${backlog.rows} rows of the outbox` },
    { what: 'from its start until nothing waited longer than a second, under load', value: after(drained) },
    { what: 'and until every consumer had taken everything', value: after(settled) },
  ];
}

// ---- the log against the tables

async function compareLog({ databaseUrl }: OwnSubject, { address }: Broker) {
  const broken: string[] = [];
  const observations: Observation[] = [];
  for (const topic of Object.keys(topics)) {
    const [written, read] = [await storiesWritten(databaseUrl, topic), await storiesRead(address, topic)];
    const wrong = compareStories(written, read);
    broken.push(...wrong.slice(0, wrongShown));
    if (wrong.length > wrongShown) broken.push(`${topic}: and ${wrong.length - wrongShown} more`);
    if (written.events === 0) continue;
    const value = `${read.events} events of ${read.byKey.size} keys, ${read.repeated} said twice`;
    observations.push({ what: `\`${topic}\` as kcat reads it, held against the tables`, value });
  }
  return { broken, observations };
}

const rowsAtOnce = 2_000;
const wrongShown = 10;

/** As the tables say it: the rows of the outbox in the order of writing. */
async function storiesWritten(databaseUrl: string, topic: string): Promise<Stories> {
  const teller = new StoryTeller();
  const text = 'select seq, events from outbox where topic = $1 and seq > $2 order by seq limit $3';
  await withPostgres(databaseUrl, async (client) => {
    for (let after: string | null = '0'; after !== null; ) {
      const { rows }: { rows: { seq: string; events: string }[] } = await client.query(text, [
        topic,
        after,
        rowsAtOnce,
      ]);
      for (const { events } of rows) for (const event of JSON.parse(events)) teller.hear(event);
      after = rows.at(-1)?.seq ?? null;
    }
  });
  return teller.stories(topic);
}

async function storiesRead(address: string, topic: string): Promise<Stories> {
  const teller = new StoryTeller();
  await readTopic(address, topic, ({ key, text }) => teller.hear(JSON.parse(text), key));
  return teller.stories(topic);
}
