/**
 * The auditor: reads the truth, the gate, the provider's charges and what clients wrote down, and has the engine judge
 * whether the promises of SPEC §0 hold (engine/audit*.ts). It knows every room, decides nothing and repairs nothing.
 *
 * The order of the reading is what makes it fair while sales go on: clients' notes first (all of them must be in the
 * truth), then the truth in one frozen view, then the charges (whatever the truth knows must be among them).
 */
import type { ClientBase } from 'pg';
import {
  type AckedBooking,
  type AuditReport,
  type Finding,
  judgeAcked,
  judgeAckedKeys,
  judgeRepeatedKey,
  judgeStory,
  judgeUser,
  judgeZone,
  openVerdict,
  type Verdict,
  violation,
} from './engine/audit.ts';
import {
  compareVersions,
  type GateFacts,
  type GateState,
  judgeGateCounters,
  judgeLevelGate,
  type TruthFacts,
} from './engine/audit-gate.ts';
import { type BookedMoney, type Charge, judgeMoney, judgeStray, type Patience } from './engine/audit-money.ts';
import { FairnessCheck } from './engine/fairness.ts';
import {
  findAcked,
  inSnapshot,
  readBacklog,
  readEvents,
  readHighestUsers,
  readOverdueHolds,
  readRepeatedEvents,
  readRepeatedKeys,
  readStories,
  readTicketGaps,
  readTruth,
  readZones,
} from './persistence/postgres/audit.ts';
import { findMoney, readMoney, readUnfinishedSagas } from './persistence/postgres/audit-money.ts';
import { readQueueLog, readRooms } from './persistence/postgres/audit-rooms.ts';
import { readGate, withGate } from './persistence/redis/audit.ts';
import { sha256 } from './world.ts';

export interface AuditSources {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** The provider's own list of charges; null where there is none that we can read. */
  readonly readCharges: (() => Promise<readonly Charge[]>) | null;
  /** What clients were answered, all of it before the audit began. */
  readonly acked: readonly AckedBooking[];
  /** Null: every event. */
  readonly eventId: string | null;
  /** Nothing is under way any more: what is not as it must end is a violation, however young. */
  readonly settled: boolean;
}

/** How long a saga may take before what it has not finished counts as broken: its own limit is 60 s, and a retry. */
const underWayMs = 120_000;
/** An expired hold is released by its zone's timer; the timer and one batch may take this long. */
const overdueGraceSeconds = 5;
const gateTries = 5;
const ackedPerQuery = 10_000;

/** Rejects when a source cannot be read: half an audit proves nothing. */
export async function audit(sources: AuditSources): Promise<AuditReport> {
  const verdict = openVerdict();
  await inSnapshot(sources.databaseUrl, async (truth) => {
    await auditZones(truth, sources, verdict);
    await auditAcked(truth, sources, verdict);
    await auditRooms(truth, sources, verdict);
    await auditUsers(truth, sources, verdict);
    await auditMoney(truth, sources, verdict);
    await auditStories(truth, sources, verdict);
  });
  await auditGates(sources, verdict);
  return verdict.report(new Date().toISOString());
}

async function auditZones(truth: ClientBase, { eventId, settled }: AuditSources, verdict: Verdict): Promise<void> {
  const zones = await readZones(truth, eventId);
  verdict.examined('P1', zones.length);
  verdict.take(zones.flatMap(judgeZone));
  if (!settled) return;
  const overdue = await readOverdueHolds(truth, eventId, overdueGraceSeconds);
  const sentence = (hold: (typeof overdue)[number]) =>
    `booking ${hold.bookingId} still holds seats of zone ${hold.zoneId}, though its time ran out at ${hold.expiredAt}`;
  verdict.take(overdue.map((hold) => violation('P1', hold.bookingId, sentence(hold))));
}

async function auditAcked(truth: ClientBase, { acked }: AuditSources, verdict: Verdict): Promise<void> {
  for (let at = 0; at < acked.length; at += ackedPerQuery) {
    const lines = acked.slice(at, at + ackedPerQuery);
    const stored = await findAcked(truth, lines);
    verdict.examined('P2', lines.length);
    verdict.take(lines.flatMap((line, i) => judgeAcked(line, stored[i] ?? null)));
  }
  if (acked.length === 0) verdict.note('P2 was not proved: no client wrote down what it was answered (--acked)');
  verdict.take(judgeAckedKeys(acked));
}

async function auditRooms(truth: ClientBase, { eventId }: AuditSources, verdict: Verdict): Promise<void> {
  for (const room of await readRooms(truth, eventId)) {
    const check = new FairnessCheck(sha256);
    for await (const entries of readQueueLog(truth, room.eventId)) for (const entry of entries) check.add(entry);
    const { entries } = check.summary;
    verdict.examined('P5', entries);
    const found = (sentence: string) => violation('P5', room.eventId, `waiting room of ${room.eventId}: ${sentence}`);
    verdict.take(check.findings.map(({ seq, problem }) => found(`entry ${seq} of its log ${problem}`)));
    if (entries !== room.lastSeq)
      verdict.take([found(`it wrote ${room.lastSeq} entries, and its log ends with ${entries}`)]);
  }
}

async function auditUsers(truth: ClientBase, { eventId }: AuditSources, verdict: Verdict): Promise<void> {
  const { bookings, repeated } = await readRepeatedKeys(truth, eventId);
  verdict.examined('P4', bookings);
  verdict.take(repeated.map(judgeRepeatedKey));
  const { users, highest } = await readHighestUsers(truth, eventId);
  verdict.examined('P6', users);
  verdict.take(highest.flatMap(judgeUser));
}

async function auditMoney(truth: ClientBase, sources: AuditSources, verdict: Verdict): Promise<void> {
  const { eventId, settled } = sources;
  const patience: Patience = { nowMs: Date.now(), underWayMs: settled ? 0 : underWayMs };
  const charges = sources.readCharges && (await sources.readCharges());
  if (!charges) verdict.note("P3 was judged by our own books alone: the provider's charges were not read");
  const unmatched = byBooking(charges ?? [], eventId);
  const judge = (booked: BookedMoney) => {
    const own = unmatched.get(booked.bookingId) ?? [];
    unmatched.delete(booked.bookingId);
    return judgeMoney(booked, charges && own, patience);
  };
  for await (const chunk of readMoney(truth, eventId)) {
    verdict.examined('P3', chunk.length);
    verdict.take(chunk.flatMap(judge));
  }
  // Charges that our books know nothing of: of a booking that is there, and of none.
  verdict.take((await findMoney(truth, eventId, [...unmatched.keys()])).flatMap(judge));
  verdict.take([...unmatched.values()].flat().map((charge) => judgeStray(charge, patience)));
  await auditSagas(truth, sources, verdict);
}

async function auditSagas(truth: ClientBase, { eventId, settled }: AuditSources, verdict: Verdict): Promise<void> {
  const unfinished = await readUnfinishedSagas(truth, eventId);
  verdict.take(
    unfinished.map(({ bookingId, step, error }) => ({
      promise: 'P3',
      kind: settled ? 'violation' : 'under-way',
      subject: bookingId,
      sentence: `the saga of booking ${bookingId} stands at ${step}${error ? ` (${error})` : ''}`,
    })),
  );
}

/** Charges of another event are not this audit's business; those of no event are everybody's. */
function byBooking(charges: readonly Charge[], eventId: string | null): Map<string, Charge[]> {
  const found = new Map<string, Charge[]>();
  for (const charge of charges) {
    if (eventId !== null && charge.eventId !== null && charge.eventId !== eventId) continue;
    const key = charge.bookingId ?? '';
    const list = found.get(key) ?? [];
    found.set(key, list);
    list.push(charge);
  }
  return found;
}

async function auditStories(truth: ClientBase, { eventId, settled }: AuditSources, verdict: Verdict): Promise<void> {
  for (const story of await readStories(truth, eventId)) {
    verdict.examined('P7', story.bookings);
    verdict.take(judgeStory(story));
  }
  const repeated = await readRepeatedEvents(truth);
  verdict.take(repeated.map((id) => violation('P7', id, `event ${id} stands in the outbox more than once`)));
  const { waiting, oldestSeconds, deadLetters } = await readBacklog(truth);
  const sentence = `${waiting} rows of the outbox wait to be published, the oldest for ${Math.round(oldestSeconds)} s`;
  if (waiting > 0)
    verdict.take([{ promise: 'P7', kind: settled ? 'violation' : 'under-way', subject: 'outbox', sentence }]);
  // Parked where an operator sees them is what P7 promises: a note, not a violation.
  for (const { consumer, key, error } of deadLetters) verdict.note(`dead letter of ${consumer}, key ${key}: ${error}`);
  if (settled) await auditTickets(truth, eventId, verdict);
}

async function auditTickets(truth: ClientBase, eventId: string | null, verdict: Verdict): Promise<void> {
  const gaps = await readTicketGaps(truth, eventId);
  const sentence = (gap: (typeof gaps)[number]) =>
    `booking ${gap.bookingId} is confirmed for ${gap.seats} seats and has ${gap.tickets} valid tickets`;
  verdict.take(gaps.map((gap) => violation('P7', gap.bookingId, sentence(gap))));
}

// ---- the gate, event by event: read before and after the truth, and compared only if nothing moved in between

async function auditGates({ databaseUrl, redisUrl, eventId, settled }: AuditSources, verdict: Verdict): Promise<void> {
  const events = await inSnapshot(databaseUrl, (truth) => readEvents(truth, eventId));
  await withGate(redisUrl, async (gate) => {
    for (const event of events) {
      const { state, findings } = await compareEvent(
        (depth) => readGate(gate, event, depth),
        () => inSnapshot(databaseUrl, (truth) => readTruth(truth, event.eventId)),
      );
      if (state === 'level') verdict.examined('P1', event.zoneIds.length);
      verdict.take(findings);
      if (state === 'level' || state === 'not-built') continue;
      const sentence = `gate and truth of event ${event.eventId} could not be compared: they are ${state}`;
      if (settled) verdict.take([violation('P1', event.eventId, sentence)]);
      else verdict.note(sentence);
    }
  });
}

/** A difference counts only when it is still there after the other tries: a batch taken back looks like one. */
async function compareEvent(
  readGateOf: (depth: 'counters' | 'all') => Promise<GateFacts>,
  readTruthOf: () => Promise<TruthFacts>,
): Promise<{ readonly state: GateState; readonly findings: readonly Finding[] }> {
  for (let tries = 1; ; tries++) {
    const before = await readGateOf('all');
    if (!before.built) return { state: 'not-built', findings: [] };
    const truth = await readTruthOf();
    const state = compareVersions(truth, before, await readGateOf('counters'));
    const findings = [...judgeGateCounters(before), ...(state === 'level' ? judgeLevelGate(truth, before) : [])];
    const agreed = state === 'level' && findings.length === 0;
    if (agreed || state === 'not-built' || tries === gateTries) return { state, findings };
  }
}
