/** Logger and metrics of one process. docs/metrics.md lists every metric; a test compares the two. */
import { type Logger, pino } from 'pino';
import { Counter, Gauge, Registry } from 'prom-client';
import { showProcess } from './process-metrics.ts';
import { createSpreads, createTally } from './tally.ts';

export type { Logger } from 'pino';

/** JSON lines on stderr: stdout belongs to the one line that says the server is ready. */
export function createLogger(level: string): Logger {
  const serializers = { err: describeError };
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers };
  return pino(options, pino.destination({ fd: 2, sync: false }));
}

/** Drivers hang whole connections, passwords included, on their errors: only what is known to be harmless is logged. */
export function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  const { name, message, stack, cause } = error;
  const code = 'code' in error ? { code: String(error.code) } : {};
  return { name, message, ...code, stack, ...(cause === undefined ? {} : { cause: describeError(cause) }) };
}

export interface Metrics {
  /** All of them in Prometheus' text format. */
  text(): Promise<string>;
  observeHttp(answered: { path: string; method: string; status: number; seconds: number }): void;
  reservation(result: string): void;
  batched(requests: number): void;
  /** Starts a stopwatch; call the answer at the end. */
  timed(stage: 'lua' | 'commit'): () => void;
  zoneDoubted(): void;
  batchRefused(by: 'gate' | 'truth', why: 'fenced' | 'stale'): void;
  /** What became of a request that left this node for the owner of what it is about. */
  forwarded(kind: string, result: string): void;
  actorCrashed(): void;
  messageAbandoned(): void;
  queueAdmitted(people: number): void;
  liveEnded(why: string): void;
  sagaStep(step: string, result: 'done' | 'failed'): void;
  sagaStuck(): void;
  eventDelivered(result: 'done' | 'retried' | 'dead-letter', events: number): void;
  meshAsked(result: 'answer' | 'refused' | 'unanswered'): void;
  meshFrame(items: number): void;
  meshIgnored(why: 'stranger' | 'no-ticket' | 'malformed' | 'version' | 'late' | 'overload'): void;
  /** Which node this is: several may answer behind one port. */
  nodeInfo(nodeId: string): void;
  /** A gauge that is read when somebody asks; while it cannot be read, it is not shown. */
  gauge(name: GaugeName, read: () => number | Promise<number>): void;
  /** Read when somebody asks; while it cannot be read, it is not shown. */
  consumerLag(read: () => Promise<readonly ConsumerLag[]>): void;
}

interface ConsumerLag {
  readonly topic: string;
  readonly events: number;
}

/** Gauges whose source the composition root knows. */
export const gauges = {
  active_reservations: 'Seats that are held and not yet paid for',
  saga_stuck: 'Sagas that hold money and do not get on: look at them',
  outbox_backlog: 'Rows of the outbox that wait to be relayed',
  outbox_age_seconds: 'How long the oldest of them has waited',
  queue_waiting: 'People who wait in the waiting rooms of this node',
  ws_connections: 'Open WebSockets',
  sse_connections: 'Open streams of server-sent events',
  cluster_members: 'Nodes of the cluster that this one sees, itself included; 0 while it is out of it',
  zone_mailbox_depth: 'Requests that wait for a batch of the zones of this node',
  cluster_owned_zones: 'Zones that run on this node',
  pg_pool_connections: 'Connections of the pool, idle ones included',
  pg_pool_waiting: 'Callers that wait for a connection',
  redis_gate_connected: '1 while the gate can be reached',
  mesh_peers: 'Nodes that this one can ask at this moment',
} as const;

type GaugeName = keyof typeof gauges;

const powersOfTwo = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
const latencySeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  showProcess(registry);
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const tallied = (name: string, help: string, labelNames: string[]) =>
    createTally(registers, { name, help, labelNames });
  const spread = (name: string, help: string, label: string | null, bounds: number[]) =>
    createSpreads(registers, { name, help, label, bounds });

  const requests = tallied('http_requests_total', 'Answered requests', ['path', 'method', 'status']);
  const durations = spread(
    'http_request_duration_seconds',
    'From the first byte to the answer',
    'path',
    latencySeconds,
  );
  const reservations = tallied('booking_reservations_total', 'Answers to reserve', ['result']);
  const failures = tallied('booking_reservation_failures', 'Reservations that nobody could decide on', []);
  const batchSize = spread('zone_batch_size', 'Requests in one batch', null, powersOfTwo).of('');
  const batchSeconds = spread('zone_batch_seconds', 'One call of a batch', 'stage', latencySeconds);
  const doubts = counter('zone_doubts_total', 'Times a zone closed until gate and truth agreed again');
  const refusals = 'Batches that a store refused, for the zone has moved on';
  const refused = counter('zone_batches_refused_total', refusals, ['by', 'why']);
  const forwards = counter('cluster_requests_total', 'Requests to owners on other nodes', ['kind', 'result']);
  const crashes = counter('actor_restarts_total', 'Incarnations that ended by a fault');
  const abandoned = counter('actor_messages_abandoned_total', 'Messages that no actor handled');
  const admitted = counter('queue_admitted_total', 'People whom waiting rooms gave a pass');
  const liveEnded = counter('live_ended_total', 'Live connections that this server ended', ['why']);
  const steps = counter('saga_steps_total', 'Effects of saga steps', ['step', 'result']);
  const troubles = 'Failures of a step that failed more often, or of a saga that takes longer, than is normal';
  const stuck = counter('saga_stuck_total', troubles);
  const deliveries = counter('outbox_deliveries_total', 'Events handed to a consumer', ['result']);
  const asked = counter('mesh_requests_total', 'Requests to other nodes that came to an end', ['result']);
  const frames = spread('mesh_frame_items', 'Requests and answers in one frame', null, powersOfTwo).of('');
  const ignored = counter('mesh_ignored_total', 'What came to the mesh and was not listened to', ['why']);

  return {
    async text() {
      // A turn that held the event loop up is seen by a timer that was late: let it fire first.
      await new Promise((resolve) => setTimeout(resolve));
      return registry.metrics();
    },
    observeHttp({ path, method, status, seconds }) {
      requests.of(path).of(method).of(status).count++;
      durations.of(path).note(seconds);
    },
    reservation(result) {
      reservations.of(result).count++;
      if (result === 'SERVICE_UNAVAILABLE') failures.count++;
    },
    batched: (size) => batchSize.note(size),
    timed(stage) {
      const startedMs = performance.now();
      return () => batchSeconds.of(stage).note((performance.now() - startedMs) / 1000);
    },
    zoneDoubted: () => doubts.inc(),
    batchRefused: (by, why) => refused.inc({ by, why }),
    forwarded: (kind, result) => forwards.inc({ kind, result }),
    actorCrashed: () => crashes.inc(),
    messageAbandoned: () => abandoned.inc(),
    queueAdmitted: (people) => admitted.inc(people),
    liveEnded: (why) => liveEnded.inc({ why }),
    sagaStep: (step, result) => steps.inc({ step, result }),
    sagaStuck: () => stuck.inc(),
    eventDelivered: (result, events) => deliveries.inc({ result }, events),
    meshAsked: (result) => asked.inc({ result }),
    meshFrame: (items) => frames.note(items),
    meshIgnored: (why) => ignored.inc({ why }),
    nodeInfo: (nodeId) => showNode(registers, nodeId),
    gauge: (name, read) => showGauge(registers, name, read),
    consumerLag: (read) => showConsumerLag(registers, read),
  };
}

function showGauge(registers: Registry[], name: GaugeName, read: () => number | Promise<number>): void {
  new Gauge({
    name,
    help: gauges[name],
    registers,
    async collect() {
      // A store that is away must not take the other metrics along, which say that it is.
      const value = await inTime(read);
      if (value === null) this.remove();
      else this.set(value);
    },
  });
}

/** Prometheus gives up on all of the metrics after ten seconds. */
const readWithinMs = 2_000;

/** Null when there was no answer in time, or an error. */
async function inTime<T>(read: () => T | Promise<T>): Promise<T | null> {
  let deadline: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    deadline = setTimeout(resolve, readWithinMs, null);
  });
  try {
    return await Promise.race([read(), late]);
  } catch {
    return null;
  } finally {
    clearTimeout(deadline);
  }
}

function showNode(registers: Registry[], nodeId: string): void {
  const labelNames = ['node_id'];
  new Gauge({ name: 'node_info', help: 'This node; always 1', labelNames, registers }).set({ node_id: nodeId }, 1);
}

function showConsumerLag(registers: Registry[], read: () => Promise<readonly ConsumerLag[]>): void {
  new Gauge({
    name: 'kafka_consumer_lag',
    help: 'Events of a topic that its consumers have not taken yet',
    labelNames: ['topic'],
    registers,
    async collect() {
      this.reset();
      for (const { topic, events } of (await inTime(read)) ?? []) this.set({ topic }, events);
    },
  });
}
