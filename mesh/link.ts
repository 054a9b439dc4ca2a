/**
 * All that goes between this node and one peer: a connection to send on, and what waits for the end of the turn to be sent
 * in one frame. What the peer says comes in by the door (door.ts).
 *
 * A link works while both are true: we are connected to the peer, and its hello, which we hear twice a second, has told us
 * the ticket that our frames must show. A peer that begins anew gives another ticket; so neither side takes what was meant
 * for a predecessor for its own.
 */
import { randomBytes } from 'node:crypto';
import type { Context } from 'zeromq';
import type { MeshMember, MeshRefusal, MeshReply } from '../engine/mesh.ts';
import type { Clock } from '../engine/ports.ts';
import type { Logger, Metrics } from '../telemetry.ts';
import { type Connection, isDeserted, type KeyPair, openConnection } from './connection.ts';
import {
  type Ask,
  type Hello,
  type Item,
  type Misfit,
  packFrames,
  packHello,
  protocolVersion,
  type Settled,
  ticketBytes,
  unpackFrame,
} from './frame.ts';
import { Requests } from './requests.ts';
import { Transit } from './transit.ts';

export interface LinkSetting {
  readonly context: Context;
  readonly keys: KeyPair;
  readonly nodeId: string;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Requests that may be under way to one peer, as many from it, and answers that may wait for it. */
  readonly waitingMax: number;
  /** Answers the peer's requests; never rejects. The deadline is in our clock (epoch ms). */
  asked(from: string, command: unknown, deadlineMs: number): Promise<MeshReply>;
  /** Told when the process of a peer that was there has surely ended. */
  gone(peer: MeshMember): void;
}

/** How often a link says hello, in ms. */
export const helloEveryMs = 500;

/** A peer that was not heard for so long is lost, whatever TCP believes. */
const silenceMs = 2_000;

/** After a connection has ended, the next is tried so much later, and at most twice that. */
const retryMs = 200;

/** What is more goes into the next frame. */
const itemsPerFrame = 512;

const noTicket = Buffer.alloc(0);

export class Link {
  readonly peer: MeshMember;
  /** What the peer's frames must show: it proves who wrote them, and for whom. */
  readonly ticket = randomBytes(ticketBytes);
  readonly #setting: LinkSetting;

  #connection: Connection | null = null;
  #connected = false;
  #retry: NodeJS.Timeout | undefined;
  /** What our frames must show; null until the peer said hello. */
  #pass: Buffer | null = null;
  #heardAtMs = Number.NEGATIVE_INFINITY;
  #transit = new Transit();
  #toldVersion = false;

  readonly #requests = new Requests();
  #asks: { readonly id: number; readonly command: unknown; readonly deadlineMs: number }[] = [];
  #answers: Settled[] = [];
  /** Requests of the peer that we have not answered. */
  #serving = 0;
  #helloDue = false;
  #flushing: Promise<void> | null = null;

  constructor(peer: MeshMember, setting: LinkSetting) {
    this.peer = peer;
    this.#setting = setting;
    this.#connect();
  }

  get works(): boolean {
    return this.#connected && this.#pass !== null && performance.now() - this.#heardAtMs < silenceMs;
  }

  // ---- the connection

  #connect(): void {
    const { context, keys, log } = this.#setting;
    try {
      this.#connection = openConnection(context, keys, this.peer, {
        up: () => {
          this.#connected = true;
          this.#sayHello();
        },
        down: () => {
          if (this.#connected) void this.#lookAfter();
          this.#connected = false;
          this.#loseRequests();
          this.#retry = setTimeout(() => this.#connect(), retryMs * (1 + Math.random())).unref();
        },
      });
    } catch (error) {
      log.error({ err: error, peer: this.peer.nodeId, endpoint: this.peer.endpoint }, 'this is no address of a node');
    }
  }

  async #lookAfter(): Promise<void> {
    if (await isDeserted(this.peer.endpoint)) this.#setting.gone(this.peer);
  }

  /** Says hello, and loses a peer that has been silent. To be called every `helloEveryMs`. */
  beat(): void {
    if (!this.works) this.#loseRequests();
    this.#sayHello();
  }

  /** Sends what waits to be sent, for at most `patienceMs`, and loses the rest. */
  async close(patienceMs = 0): Promise<void> {
    if (patienceMs > 0) {
      await Promise.race([this.#flushing, new Promise((resume) => setTimeout(resume, patienceMs).unref())]);
    }
    clearTimeout(this.#retry);
    this.#connection?.close();
    this.#connected = false;
    this.#pass = null;
    this.#loseRequests();
  }

  #sayHello(): void {
    this.#helloDue = true;
    this.#flushSoon();
  }

  #loseRequests(): void {
    this.#asks = [];
    this.#requests.end();
  }

  // ---- what goes out

  request(command: unknown, deadlineMs: number): Promise<MeshReply> {
    if (!this.works) return refused('unreachable');
    if (deadlineMs <= this.#setting.clock.now()) return refused('late');
    if (this.#requests.size >= this.#setting.waitingMax) return refused('overloaded');
    const { id, reply } = this.#requests.begin(deadlineMs);
    this.#asks.push({ id, command, deadlineMs });
    this.#flushSoon();
    return reply;
  }

  /** Settles what is due. */
  expire(): void {
    this.#requests.expire(this.#setting.clock.now());
  }

  #answer(settled: Settled): void {
    // Only a peer that asks on without hearing answers gets here: it breaks the bound that it shares with us.
    if (this.#answers.length > 2 * this.#setting.waitingMax) {
      this.#setting.metrics.meshIgnored('overload');
      return;
    }
    this.#answers.push(settled);
    this.#flushSoon();
  }

  /** At the end of this turn of the event loop, so that one frame carries all of it. */
  #flushSoon(): void {
    this.#flushing ??= new Promise(setImmediate)
      .then(() => this.#flush())
      .finally(() => {
        this.#flushing = null;
      });
  }

  async #flush(): Promise<void> {
    while (this.#connected && this.#connection) {
      if (this.#helloDue) {
        this.#helloDue = false;
        const hello = packHello({ version: protocolVersion, nodeId: this.#setting.nodeId, ticket: this.ticket });
        await this.#connection.send([noTicket, hello]);
      }
      const pass = this.#pass;
      const items = this.works ? this.#gather() : [];
      if (!pass || items.length === 0) return;
      this.#setting.metrics.meshFrame(items.length);
      const frames = packFrames(items, performance.now(), (misfit) => this.#giveUp(misfit));
      for (const frame of frames) await this.#connection.send([pass, frame]);
    }
  }

  #gather(): readonly Item[] {
    const answers = this.#answers.splice(0, itemsPerFrame);
    const nowMs = this.#setting.clock.now();
    const asks = this.#asks
      .splice(0, itemsPerFrame - answers.length)
      .filter(({ id }) => this.#requests.send(id))
      .map(({ id, deadlineMs, command }): Item => [0, id, deadlineMs - nowMs, command]);
    return [...answers, ...asks];
  }

  #giveUp({ item, error }: Misfit): void {
    const [kind, id] = item;
    if (kind !== 0) {
      this.#setting.log.error({ err: error, peer: this.peer.nodeId }, 'an answer cannot travel');
      this.#answer([3, id]);
    } else if (error === null) this.#requests.settle(id, { kind: 'refused', reason: 'too-large' });
    else this.#requests.fail(id, error);
  }

  // ---- what comes in

  hearHello({ version, ticket }: Hello): void {
    if (version !== protocolVersion) {
      this.#pass = null;
      this.#setting.metrics.meshIgnored('version');
      if (!this.#toldVersion) {
        const versions = { peer: this.peer.nodeId, theirs: version, ours: protocolVersion };
        this.#setting.log.error(versions, 'a node speaks another version of the mesh: nothing is asked of it');
      }
      this.#toldVersion = true;
      return;
    }
    this.#heardAtMs = performance.now();
    if (this.#pass?.equals(ticket)) return;
    this.#pass = ticket;
    this.#transit = new Transit();
    this.#answers = [];
    this.#loseRequests();
  }

  /** Takes a frame that showed our ticket. Returns how many items were in it. */
  hear(body: Buffer): number {
    const nowMs = performance.now();
    this.#heardAtMs = nowMs;
    const frame = unpackFrame(body);
    if (!frame) {
      this.#setting.metrics.meshIgnored('malformed');
      return 1;
    }
    const delayMs = this.#transit.delayOf(frame.sentAtMs, nowMs);
    for (const item of frame.items) {
      if (item[0] === 0) this.#serve(item, delayMs);
      else this.#requests.settle(item[1], replyOf(item));
    }
    return frame.items.length;
  }

  #serve([, id, leftMs, command]: Ask, delayMs: number): void {
    const { metrics, waitingMax, clock, asked } = this.#setting;
    if (leftMs <= delayMs) {
      metrics.meshIgnored('late');
      return;
    }
    if (this.#serving >= waitingMax) {
      metrics.meshIgnored('overload');
      this.#answer([2, id, 'overloaded']);
      return;
    }
    const pass = this.#pass;
    this.#serving++;
    void asked(this.peer.nodeId, command, clock.now() + leftMs - delayMs).then((reply) => {
      this.#serving--;
      // Another pass: the peer began anew, and by this number it calls another request.
      if (pass === this.#pass) this.#answer(settledAs(id, reply));
    });
  }
}

function refused(reason: MeshRefusal): Promise<MeshReply> {
  return Promise.resolve({ kind: 'refused', reason });
}

function settledAs(id: number, reply: MeshReply): Settled {
  if (reply.kind === 'answer') return [1, id, reply.value];
  return reply.kind === 'refused' ? [2, id, reply.reason] : [3, id];
}

function replyOf(settled: Settled): MeshReply {
  if (settled[0] === 1) return { kind: 'answer', value: settled[2] };
  return settled[0] === 2 ? { kind: 'refused', reason: settled[2] } : { kind: 'unanswered' };
}
