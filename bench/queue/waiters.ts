/**
 * Many people who only wait, in a process of their own: a process may have 20 000 files open, and theirs must not be the
 * server's. `onsale bench waiters`; for no one but live.ts, which speaks to it over the channel to its parent.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Fixture } from '../../cli/seed.ts';
import { type Cores, keptTo } from '../cores.ts';
import type { Address } from '../load/connection.ts';
import { type LiveSocket, openLiveSocket } from './live-socket.ts';

export interface WaitersJob {
  readonly address: Address;
  readonly fixtureFile: string;
}

/** Ages in ms. */
export interface Freshness {
  readonly messages: number;
  /** Connections that were lost since the beginning. */
  readonly lost: number;
  /** From the moment that a message tells of to its arrival. */
  readonly onArrival: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Of what somebody sees who looks at a random moment. */
  readonly seen: { readonly p50: number; readonly p99: number };
}

export interface Waiters {
  /** Listens for so long. */
  listen(seconds: number): Promise<Freshness>;
  close(): void;
}

/** Handshakes under way at a time. */
const arrivingMax = 200;

/** Resolves when everybody has a place. */
export async function startWaiters(program: string, job: WaitersJob, cores: Cores): Promise<Waiters> {
  const [execPath, ...execArgv] = keptTo(cores, [process.execPath]);
  const child = fork(program, ['bench', 'waiters'], { execPath, execArgv });
  const answer = async (message: object): Promise<unknown> => {
    child.send(message);
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('those who wait have gone')));
    const [said] = (await Promise.race([once(child, 'message'), ended])) as [unknown];
    return said;
  };
  await answer(job);
  return {
    listen: (seconds) => answer({ seconds }) as Promise<Freshness>,
    close: () => void child.kill(),
  };
}

/** The process itself. Resolves when the parent is gone. */
export async function runWaiters(): Promise<number> {
  const send = process.send?.bind(process);
  if (!send) throw new Error('those who wait have a parent');
  process.on('disconnect', () => process.exit(0));
  const [job] = (await once(process, 'message')) as [WaitersJob];
  const { event_id: eventId, users }: Fixture = JSON.parse(await readFile(job.fixtureFile, 'utf8'));
  const hearing = new Hearing();
  const people = users.values();
  const come = async () => {
    for (const { token } of people) await waitAs(job.address, { eventId, token }, hearing);
  };
  await Promise.all(Array.from({ length: arrivingMax }, come));
  send({ waiting: users.length });
  for (;;) {
    const [{ seconds }] = (await once(process, 'message')) as [{ readonly seconds: number }];
    hearing.forget();
    await delay(seconds * 1_000);
    send(hearing.freshness());
  }
}

const isForEverybody = Buffer.from('{"type":"position"');

/** Resolves when the place is there. */
function waitAs(address: Address, who: { readonly eventId: string; readonly token: string }, hearing: Hearing) {
  return new Promise<void>((placed) => {
    const ear = hearing.newEar();
    const socket: LiveSocket = openLiveSocket(address, who, {
      opened: () => socket.send({ type: 'join' }),
      message(payload) {
        if (payload.indexOf(isForEverybody) === 0) hearing.note(ear, payload);
        else placed();
      },
      lost() {
        hearing.lost++;
        placed();
      },
    });
  });
}

interface Ear {
  /** The moment that the last message tells of. */
  toldMs: number;
  /** When its owner looks at the position next, whatever the messages do: so a longer gap is seen more often. */
  looksAtMs: number;
}

const looksEveryMs = 1_000;
const untilNextLook = () => 2 * looksEveryMs * Math.random();

/** The messages for everybody end with `"server_time":"2030-01-01T00:00:00.000Z"}`. */
const timeChars = 24;

class Hearing {
  lost = 0;
  #onArrival: number[] = [];
  #seen: number[] = [];
  #lastText = '';
  #lastMs = 0;

  newEar(): Ear {
    return { toldMs: 0, looksAtMs: 0 };
  }

  note(ear: Ear, payload: Buffer): void {
    const nowMs = Date.now();
    const toldMs = this.#timeOf(payload);
    this.#onArrival.push(nowMs - toldMs);
    if (ear.toldMs === 0) ear.looksAtMs = nowMs + untilNextLook();
    for (; ear.looksAtMs < nowMs; ear.looksAtMs += untilNextLook()) this.#seen.push(ear.looksAtMs - ear.toldMs);
    ear.toldMs = toldMs;
  }

  forget(): void {
    this.#onArrival = [];
    this.#seen = [];
  }

  freshness(): Freshness {
    const [arrival, seen] = [this.#onArrival, this.#seen].map((ages) => Float64Array.from(ages).sort());
    const at = (ages: Float64Array | undefined, share: number) =>
      ages?.[Math.min(ages.length - 1, Math.floor(share * ages.length))] ?? 0;
    return {
      messages: arrival?.length ?? 0,
      lost: this.lost,
      onArrival: { p50: at(arrival, 0.5), p99: at(arrival, 0.99), max: at(arrival, 1) },
      seen: { p50: at(seen, 0.5), p99: at(seen, 0.99) },
    };
  }

  #timeOf(payload: Buffer): number {
    const text = payload.toString('latin1', payload.length - timeChars - 2, payload.length - 2);
    if (text !== this.#lastText) [this.#lastText, this.#lastMs] = [text, Date.parse(text)];
    return this.#lastMs;
  }
}
