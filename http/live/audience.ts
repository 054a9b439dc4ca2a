/**
 * Everybody who follows one waiting room over a live connection of this node. The room is heard once; what it tells
 * everybody is made into bytes once and shown to a part at a time, in short turns; only what concerns one person is made for
 * one person.
 *
 * It knows people and what they are told. How bytes reach them is their line's (socket.ts, stream.ts).
 */
import {
  join,
  type LeaveReason,
  leave,
  look,
  type PassTerms,
  type PersonalNews,
  type RoomAddress,
  type RoomListener,
  type RoomNews,
  type Standing,
} from '../../actors/waiting-room-requests.ts';
import type { Clock } from '../../engine/ports.ts';
import { timeText } from '../booking-view.ts';
import type { ClientMessage, Farewell } from '../live-view.ts';
import type { PassSeal } from '../pass-seal.ts';
import { Attendance } from './attendance.ts';
import { Bulletin } from './bulletin.ts';
import { encoded, personalMessage, placeFields, refusedMessage } from './messages.ts';
import type { PacedWork } from './paced-work.ts';

/** One live connection of one user, whatever carries it. */
export interface LiveLine {
  readonly userId: string;
  /** Names the connection to its own user. */
  readonly id: string;
  send(message: Uint8Array): void;
  /** The same, for what one write of the system is enough for. */
  sendTogether(messages: readonly Uint8Array[]): void;
  /** Whether earlier messages still wait on our side, for the client does not read. */
  isBehind(): boolean;
  /** Called once a tick, to see whether the client is still there; it may end the line. */
  beat(nowMs: number): void;
  /** Says goodbye and closes. Harmless when it is closed already. */
  end(why: Farewell): void;
}

export interface Member {
  readonly line: LiveLine;
  /** The newest message for everybody that they were sent. */
  shown: number;
  isWelcome: boolean;
  /** Whether they are told what is left of each zone. */
  followsStock: boolean;
  /** Their place changes when the sale starts. */
  isInLobby: boolean;
  behindSinceMs: number | null;
}

export interface AudienceDeps {
  readonly clock: Clock;
  readonly passSeal: PassSeal;
  readonly paced: PacedWork;
  /** Each news is shown to one part of so many of an audience, in turn; what cannot wait, to everybody. */
  readonly parts: number;
}

/** Whoever does not read for so long is sent away: the network between us has buffered seconds of messages by then. */
const patienceMs = 10_000;

export class Audience implements RoomListener {
  readonly #deps: AudienceDeps;
  readonly #eventId: string;
  readonly #room: RoomAddress;
  readonly #members = new Set<Member>();
  readonly #byUser = new Map<string, readonly Member[]>();
  readonly #unsubscribe: () => void;
  readonly #bulletin: Bulletin;
  /** Goes round among the members, each of whom is to be shown one message in `parts` (docs/adr/0028). */
  #round = this.#members.values();
  /** How many are to be shown the newest message now, times `parts`. */
  #due = 0;
  #isWalking = false;
  readonly #attendance: Attendance;

  constructor(deps: AudienceDeps, eventId: string, room: RoomAddress) {
    this.#deps = deps;
    this.#eventId = eventId;
    this.#room = room;
    this.#bulletin = new Bulletin(eventId);
    this.#attendance = new Attendance(room);
    this.#unsubscribe = room.subscribe(this);
    if (room.news) this.tick(room.news);
  }

  get size(): number {
    return this.#members.size;
  }

  /** Ends the listening; nobody may be in it any more. */
  close(): void {
    this.#unsubscribe();
  }

  // ---- who comes and goes

  /** @param resume The connection that this one replaces, as its welcome named it. */
  enter(line: LiveLine, resume: string | null): Member {
    const member: Member = {
      line,
      shown: 0,
      isWelcome: false,
      followsStock: false,
      isInLobby: false,
      behindSinceMs: null,
    };
    this.#members.add(member);
    this.#byUser.set(line.userId, [...(this.#byUser.get(line.userId) ?? []), member]);
    this.#attendance.came(line.userId);
    look(this.#room, line.userId, (outcome) => {
      if (!this.#members.has(member)) return;
      if (outcome.ok) this.#welcome(member, outcome.value.standing, outcome.value.news, resume);
      else line.end(outcome.rejection.code === 'NOT_FOUND' ? 'unknown_event' : 'unavailable');
    });
    return member;
  }

  leave(member: Member): void {
    if (!this.#members.delete(member)) return;
    const { userId } = member.line;
    const others = this.#of(userId).filter((one) => one !== member);
    if (others.length > 0) this.#byUser.set(userId, others);
    else this.#byUser.delete(userId);
    this.#attendance.went(userId);
  }

  #welcome(member: Member, standing: Standing | null, news: RoomNews, resume: string | null): void {
    const { line } = member;
    const former = this.#of(line.userId).find((one) => one.line.id === resume);
    former?.line.end('replaced');
    const more = { type: 'welcome', resume: line.id, resumed: former !== undefined } as const;
    this.#sayPlace(member, standing, news, more);
  }

  // ---- what clients say

  hear(member: Member, message: Exclude<ClientMessage, { type: 'hello' }>): void {
    const { line } = member;
    switch (message.type) {
      case 'join': {
        const who = { userId: line.userId, accessCode: message.access_code ?? null };
        join(this.#room, who, (outcome) => {
          if (outcome.ok) this.#tellPlace(member, 'join');
          else line.send(refusedMessage('join', outcome.rejection));
        });
        break;
      }
      case 'leave':
        leave(this.#room, line.userId, (outcome) => {
          if (outcome.ok) this.#tellPlace(member, 'leave');
          else line.send(refusedMessage('leave', outcome.rejection));
        });
        break;
      case 'position':
        this.#tellPlace(member, 'position');
        break;
      case 'subscribe_availability':
        member.followsStock = true;
        line.sendTogether(this.#bulletin.stockSince(0));
        break;
      case 'ping':
        line.send(encoded({ type: 'pong', server_time: timeText(this.#deps.clock.now()) }));
        break;
    }
  }

  #tellPlace(member: Member, request: 'join' | 'leave' | 'position'): void {
    look(this.#room, member.line.userId, (outcome) => {
      if (outcome.ok) this.#sayPlace(member, outcome.value.standing, outcome.value.news, { type: 'place' });
      else member.line.send(refusedMessage(request, outcome.rejection));
    });
  }

  #sayPlace(
    member: Member,
    standing: Standing | null,
    { version, waiting }: Pick<RoomNews, 'version' | 'waiting'>,
    more: { type: 'place' | 'admitted' } | { type: 'welcome'; resume: string; resumed: boolean },
  ): void {
    const { clock, passSeal } = this.#deps;
    const moment = { seq: version, total: waiting, nowMs: clock.now() };
    member.isInLobby = standing?.stage === 'waiting' && standing.line === 'lobby';
    placeFields(standing, moment, passSeal).then(
      (fields) => {
        member.line.send(encoded({ ...fields, ...more }));
        if (more.type !== 'welcome') return;
        member.isWelcome = true;
        this.#show(member);
      },
      () => member.line.end('failed'),
    );
  }

  // ---- what the room says

  anew(): void {
    this.#attendance.forgotten();
  }

  tick(news: RoomNews): void {
    const canWait = this.#bulletin.post(news, this.#isWalking);
    const all = this.size * this.#deps.parts;
    this.#due = canWait ? Math.min(all, this.#due + this.size) : all;
    if (this.#isWalking) return;
    this.#isWalking = true;
    this.#deps.paced.add(this.#walk());
  }

  admitted(pass: PassTerms): void {
    const moment = { version: pass.admission, waiting: this.#bulletin.news?.waiting ?? 0 };
    for (const member of this.#of(pass.userId))
      if (member.isWelcome) this.#sayPlace(member, { stage: 'admitted', pass }, moment, { type: 'admitted' });
  }

  left(userId: string, reason: LeaveReason, seq: number): void {
    const members = this.#of(userId);
    if (members.length === 0) return;
    const message = encoded({ type: 'left', reason, seq, server_time: timeText(this.#deps.clock.now()) });
    for (const { line } of members) line.send(message);
  }

  personal(userId: string, news: PersonalNews): void {
    const members = this.#of(userId);
    if (members.length === 0) return;
    if (news.what === 'checkout') {
      const { bookingId, seq } = news;
      const moment = { version: seq, waiting: this.#bulletin.news?.waiting ?? 0 };
      for (const member of members) this.#sayPlace(member, { stage: 'checkout', bookingId }, moment, { type: 'place' });
    } else {
      const message = personalMessage(this.#eventId, news, this.#deps.clock.now());
      for (const { line } of members) line.send(message);
    }
  }

  /** Shows the newest message to whoever is due, in the order in which they entered, for so they lie in memory. */
  *#walk(): Generator<void, void, void> {
    while (this.#due >= this.#deps.parts) {
      this.#due -= this.#deps.parts;
      const member = this.#next();
      if (member?.isWelcome && member.shown < this.#bulletin.number) this.#show(member);
      yield;
    }
    this.#isWalking = false;
  }

  #next(): Member | undefined {
    const { value, done } = this.#round.next();
    if (!done) return value;
    this.#round = this.#members.values();
    return this.#round.next().value;
  }

  #show(member: Member): void {
    const { line } = member;
    const { message, news, number } = this.#bulletin;
    const nowMs = this.#deps.clock.now();
    if (line.isBehind()) {
      // What waits for them is old, and the next message says it all anew.
      member.behindSinceMs ??= nowMs;
      if (nowMs - member.behindSinceMs > patienceMs) line.end('slow');
      return;
    }
    member.behindSinceMs = null;
    if (message) {
      if (member.followsStock) line.sendTogether([message, ...this.#bulletin.stockSince(member.shown)]);
      else line.send(message);
    }
    member.shown = number;
    this.#attendance.announce(line.userId);
    if (member.isInLobby && news && news.atMs >= news.saleStartMs) this.#tellPlace(member, 'position');
    line.beat(nowMs);
  }

  /** Sends everybody away, to come back to another node or to this one when it has started again. */
  *dismiss(): Generator<void, void, void> {
    for (const member of this.#members) {
      member.line.end('restart');
      yield;
    }
  }

  #of(userId: string): readonly Member[] {
    return this.#byUser.get(userId) ?? [];
  }
}
