/**
 * The gate in memory: engine/zone.ts with what the scripts of lua/ keep around it (generation, run, epoch, version,
 * records of batches), so that a simulation can lose its answers, flush it and restart it.
 */
import type { EventSnapshot, Gate, GateAnswer, GateBatch, GateFound, Lease } from '../../engine/ports.ts';
import {
  applyCommand,
  type EventLedger,
  givesBack,
  type Hold,
  newEventLedger,
  settleRelease,
  type Zone,
  type ZoneAnswer,
  type ZoneCommand,
} from '../../engine/zone.ts';
import { type Effect, takeBack } from './undo.ts';
import { direct, type Wire } from './wire.ts';

export interface MemoryGate extends Gate {
  /** Everything is lost, as by FLUSHALL. */
  forget(): void;
  /** The store comes back with its data as another run of itself. */
  restart(): void;
  /** Remembers the data as they are; the answer brings them back, in another run, as a fail-over to a late replica. */
  save(): () => void;
  /** What the gate knows of a zone, for checks; null when nothing. */
  look(eventId: string, zoneId: string): GateView | null;
}

export interface GateView {
  /** Null when batches of no generation are let through. */
  readonly generation: number | null;
  readonly version: number;
  readonly zone: Readonly<Zone>;
}

interface Recorded {
  readonly version: number;
  readonly answer: GateAnswer;
  readonly effects: readonly Effect[];
}

interface GatedZone {
  readonly zone: Zone;
  epoch: number;
  version: number;
  readonly records: Map<string, Recorded>;
}

interface GatedEvent {
  built: { readonly generation: number; readonly run: number } | null;
  building: number | null;
  ledger: EventLedger;
  /** UTC day on which each key was used. */
  keyDays: Map<string, number>;
  zones: Map<string, GatedZone>;
}

type Refused = 'stale' | 'fenced';

interface Shelf {
  run: number;
  events: Map<string, GatedEvent>;
}

const dayMs = 86_400_000;

export function createMemoryGate(wire: Wire = direct): MemoryGate {
  const shelf: Shelf = { run: 1, events: new Map() };
  return {
    apply: (batch) => wire('gate.apply', () => apply(shelf, batch)),
    acquire: (lease) => wire('gate.acquire', () => acquire(shelf, lease)),
    undo: (lease, batchId) => wire('gate.undo', () => undo(shelf, lease, batchId)),
    read: (lease) => wire('gate.read', () => read(shelf, lease)),
    isBuilt: (eventId, generation) => wire('gate.isBuilt', () => isBuilt(shelf, eventId, generation)),
    async rebuild(snapshot) {
      await wire('gate.rebuild', () => openRebuild(shelf, snapshot));
      const loaded = await loadSnapshot(snapshot);
      await wire('gate.rebuild', () => closeRebuild(shelf, snapshot, loaded));
    },
    forget: () => shelf.events.clear(),
    restart: () => void shelf.run++,
    save() {
      const saved = structuredClone(shelf.events);
      return () => {
        shelf.events = structuredClone(saved);
        shelf.run++;
      };
    },
    look: (eventId, zoneId) => look(shelf, eventId, zoneId),
  };
}

function isBuilt({ events, run }: Shelf, eventId: string, generation: number): boolean {
  const built = events.get(eventId)?.built;
  return built?.generation === generation && built.run === run;
}

function look({ events, run }: Shelf, eventId: string, zoneId: string): GateView | null {
  const event = events.get(eventId);
  const gated = event?.zones.get(zoneId);
  if (!event || !gated) return null;
  const { built } = event;
  return { generation: built?.run === run ? built.generation : null, version: gated.version, zone: gated.zone };
}

/** The zone as the lease's owner may change it, or why it may not. A lower epoch in the gate is let pass. */
function gated(shelf: Shelf, lease: Lease): { readonly event: GatedEvent; readonly zone: GatedZone } | Refused {
  const event = shelf.events.get(lease.eventId);
  const zone = event?.zones.get(lease.zoneId);
  if (!event || !zone || !isBuilt(shelf, lease.eventId, lease.generation)) return 'stale';
  return zone.epoch > lease.epoch ? 'fenced' : { event, zone };
}

function apply(shelf: Shelf, batch: GateBatch): GateAnswer {
  const found = gated(shelf, batch.lease);
  if (typeof found === 'string') return { ok: false, reason: found };
  const { event, zone } = found;
  const known = zone.records.get(batch.batchId);
  if (known) return known.answer;
  if (zone.epoch !== batch.lease.epoch || zone.version !== batch.version) return { ok: false, reason: 'stale' };
  const today = Math.floor(batch.nowMs / dayMs);
  forgetKeysBefore(event, today - 1);
  for (const batchId of batch.settled) settle(zone, batchId);
  const effects: Effect[] = [];
  const answers = batch.commands.map((command) => {
    const before = holdBefore(zone.zone, command);
    const answer = applyCommand(zone.zone, command, batch.maxPerUser);
    if (answer.result !== 'applied') return answer;
    if (command.kind === 'reserve') event.keyDays.set(command.key, today);
    effects.push({ command, before });
    return answer;
  });
  const answer = answerOf(zone.zone, answers);
  if (effects.length === 0) return answer;
  zone.records.set(batch.batchId, { version: zone.version++, answer, effects });
  return answer;
}

function settle({ zone, records }: GatedZone, batchId: string): void {
  for (const { command, before } of records.get(batchId)?.effects ?? []) {
    const returned = command.kind === 'refund' ? command : before;
    if (returned && givesBack(command.kind)) settleRelease(zone.event, returned);
  }
  records.delete(batchId);
}

function holdBefore(zone: Zone, command: ZoneCommand): Hold | null {
  return zone.holds.get(command.bookingId) ?? null;
}

function answerOf({ available, held }: Zone, answers: readonly ZoneAnswer[]): GateAnswer {
  return { ok: true, available, held, answers };
}

function forgetKeysBefore({ keyDays, ledger }: GatedEvent, day: number): void {
  for (const [key, usedOn] of keyDays) {
    if (usedOn >= day) continue;
    keyDays.delete(key);
    ledger.keys.delete(key);
  }
}

function acquire(shelf: Shelf, lease: Lease): GateFound {
  const found = gated(shelf, lease);
  if (typeof found === 'string') return { ok: false, reason: found };
  const { zone } = found;
  zone.epoch = lease.epoch;
  const recorded = [...zone.records].map(([batchId, { version }]) => ({ batchId, version }));
  return { ok: true, version: zone.version, recorded };
}

function undo(shelf: Shelf, lease: Lease, batchId: string): boolean {
  const { event, zone } = mustBeGated(shelf, lease);
  const record = zone.records.get(batchId);
  if (!record) return false;
  if (zone.version !== record.version + 1) throw new Error('STALE_ZONE');
  for (const effect of record.effects.toReversed()) {
    takeBack(zone.zone, effect);
    if (effect.command.kind === 'reserve') event.keyDays.delete(effect.command.key);
  }
  zone.version = record.version;
  zone.records.delete(batchId);
  return true;
}

function read(shelf: Shelf, lease: Lease) {
  const { zone } = mustBeGated(shelf, lease).zone;
  return { available: zone.available, held: zone.held, holds: [...zone.holds.values()] };
}

function mustBeGated(shelf: Shelf, lease: Lease): { readonly event: GatedEvent; readonly zone: GatedZone } {
  const found = gated(shelf, lease);
  if (typeof found === 'string') throw new Error(found === 'fenced' ? 'FENCED' : 'STALE_GATE');
  if (found.zone.epoch !== lease.epoch) throw new Error('STALE_ZONE');
  return found;
}

function openRebuild({ events }: Shelf, { eventId, generation }: EventSnapshot): void {
  const event = events.get(eventId);
  if (Math.max(event?.built?.generation ?? 0, event?.building ?? 0) >= generation) throw new Error('FENCED');
  events.set(eventId, {
    built: null,
    building: generation,
    ledger: newEventLedger(),
    keyDays: new Map(),
    zones: new Map(),
  });
}

interface Loaded {
  readonly ledger: EventLedger;
  readonly keyDays: Map<string, number>;
  readonly zones: Map<string, GatedZone>;
}

async function loadSnapshot(snapshot: EventSnapshot): Promise<Loaded> {
  const loaded: Loaded = { ledger: newEventLedger(), keyDays: new Map(), zones: new Map() };
  for (const { zoneId, epoch, version, ...counters } of snapshot.zones) {
    const zone = { event: loaded.ledger, holds: new Map(), ...counters };
    loaded.zones.set(zoneId, { zone, epoch, version, records: new Map() });
  }
  for await (const chunk of snapshot.holds())
    for (const { zoneId, ...hold } of chunk) loaded.zones.get(zoneId)?.zone.holds.set(hold.bookingId, hold);
  for await (const chunk of snapshot.users())
    for (const { userId, seats } of chunk) loaded.ledger.seatsOfUser.set(userId, seats);
  for await (const chunk of snapshot.keys())
    for (const { key, fingerprint, bookingId, createdAtMs } of chunk) {
      loaded.ledger.keys.set(key, { bookingId, fingerprint });
      loaded.keyDays.set(key, Math.floor(createdAtMs / dayMs));
    }
  return loaded;
}

function closeRebuild({ events, run }: Shelf, { eventId, generation }: EventSnapshot, loaded: Loaded): void {
  if (events.get(eventId)?.building !== generation) throw new Error('FENCED');
  events.set(eventId, { built: { generation, run }, building: null, ...loaded });
}
