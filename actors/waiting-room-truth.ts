/** Reading a waiting room from the truth: its log when it is taken over, its stock and checkouts as it runs. */
import type { Stock } from '../engine/admission.ts';
import type { AcquiredRoom, Checkout, RoomLedger } from '../engine/room-ledger.ts';
import { WaitingRoom } from '../engine/waiting-room.ts';
import type { RoomDeps } from './waiting-room-state.ts';

export interface Survey {
  readonly stock: Stock;
  readonly checkouts: readonly Checkout[];
}

export interface TakenRoom {
  readonly acquired: AcquiredRoom;
  readonly room: WaitingRoom;
  readonly survey: Survey;
}

/** Entries read at once: few enough that replaying them does not hold up others. */
const entriesMax = 1_000;

/** Becomes the owner of the room and replays its log. Null: no such event. */
export async function takeRoom({ ledger, sha256 }: RoomDeps, eventId: string): Promise<TakenRoom | null> {
  const acquired = await ledger.acquire(eventId);
  if (!acquired) return null;
  const room = new WaitingRoom(sha256);
  for (;;) {
    const entries = await ledger.read(eventId, room.seq, entriesMax);
    for (const entry of entries) room.apply(entry);
    if (entries.length < entriesMax) break;
  }
  return { acquired, room, survey: await surveyRoom(ledger, eventId, [...room.active.keys()]) };
}

/** What can be bought, and the newest bookings of those who have a slot. An event that was withdrawn sells nothing. */
export async function surveyRoom(ledger: RoomLedger, eventId: string, userIds: readonly string[]): Promise<Survey> {
  const [stock, checkouts] = await Promise.all([
    ledger.survey(eventId),
    userIds.length === 0 ? [] : ledger.checkouts(eventId, userIds),
  ]);
  return { stock: stock ?? withdrawn, checkouts };
}

const never = Number.POSITIVE_INFINITY;
const withdrawn: Stock = { saleStartMs: never, saleEndMs: never, available: 0, held: 0, zones: [] };
