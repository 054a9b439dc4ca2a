/**
 * What actors can rely on, and with it how nact 7.6.2 behaves behind the kit: whoever upgrades or replaces nact has to
 * keep these. Time is a simulated world's; nact's own setImmediate is real.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accept, type Outcome } from '../engine/outcome.ts';
import { createMemoryJournal } from '../persistence/memory/journal.ts';
import { SimulatedWorld } from '../test/sim/world.ts';
import { type Actors, ask, type Behaviour, type CellOptions, createActors, type Reply, type Self } from './kit.ts';

type Message = 'throw' | 'late' | { readonly mark: number } | { readonly reply: Reply<number> };

const options: CellOptions = { mailboxMax: 5, restart: { minMs: 100, maxMs: 1_000 } };

describe('an actor', () => {
  let world: SimulatedWorld;
  let actors: Actors;
  let crashes: string[];
  let abandoned: Message[];
  let begun: number;
  let selves: Self<Message>[];
  let handled: Message[];
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);

  beforeEach(() => {
    world = new SimulatedWorld(1, 0);
    crashes = [];
    abandoned = [];
    begun = 0;
    selves = [];
    handled = [];
    actors = createActors(world, createMemoryJournal(), {
      crashed: (actor, error) => crashes.push(`${actor}: ${(error as Error).message}`),
      abandoned: (actor) => crashes.push(`${actor}: abandoned`),
    });
    process.on('unhandledRejection', note);
  });
  afterEach(() => {
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  /** Its state is the list of what this incarnation has handled. */
  function behaviour(changes: Partial<Behaviour<Message[], Message>> = {}): Behaviour<Message[], Message> {
    return {
      begin(self) {
        begun++;
        selves.push(self);
        return [];
      },
      receive(state, message) {
        if (message === 'throw') throw new Error('a bug');
        handled.push(message);
        if (typeof message === 'object' && 'reply' in message) message.reply(accept(state.length));
        return [...state, message];
      },
      abandon: (message) => abandoned.push(message),
      ...changes,
    };
  }

  const start = (changes?: Partial<Behaviour<Message[], Message>>) =>
    actors.spawn('a:b~c', behaviour(changes), options);
  const marks = (...numbers: number[]) => numbers.map((mark) => ({ mark }));

  it('handles messages one by one, in their order', async () => {
    const ref = start();
    for (const message of marks(1, 2, 3)) actors.tell(ref, message);
    expect(handled).toEqual([]);
    await world.runUntil(0);
    expect(handled).toEqual(marks(1, 2, 3));
    expect(world.history.filter((line) => line.endsWith('turn'))).toHaveLength(3);
  });

  it('lets other actors have their turn between two messages', async () => {
    const order: string[] = [];
    const chatty = (name: string) =>
      actors.spawn<null, number>(
        name,
        {
          begin: () => null,
          receive(state, n) {
            order.push(`${name}${n}`);
            return state;
          },
          abandon: () => {},
        },
        options,
      );
    const [one, other] = [chatty('one'), chatty('other')];
    for (const n of [1, 2]) actors.tell(one, n);
    for (const n of [1, 2]) actors.tell(other, n);
    await world.runUntil(0);
    expect(order).toEqual(['one1', 'other1', 'one2', 'other2']);
  });

  it('abandons what its mailbox has no room for, at once', async () => {
    const ref = start();
    for (const message of marks(1, 2, 3, 4, 5, 6)) actors.tell(ref, message);
    expect(abandoned).toEqual(marks(6));
    expect(crashes).toEqual(['a:b~c: abandoned']);
    await world.runUntil(0);
    expect(handled).toEqual(marks(1, 2, 3, 4, 5));
  });

  describe('that throws', () => {
    it('abandons that message, and goes on with fresh state after a delay; what waited is handled', async () => {
      const ref = start();
      actors.tell(ref, { mark: 1 });
      actors.tell(ref, 'throw');
      actors.tell(ref, { mark: 2 });
      await world.runUntil(99);
      expect([handled, abandoned, begun]).toEqual([marks(1), ['throw'], 1]);
      expect(crashes).toEqual(['a:b~c: a bug']);
      actors.tell(ref, { mark: 3 });
      await world.runUntil(100);
      expect([handled, begun]).toEqual([marks(1, 2, 3), 2]);
      expect(await answered(ref)).toEqual(accept(2));
    });

    it('waits twice as long each time, up to the limit, until it has handled a message', async () => {
      const ref = start();
      const delays: number[] = [];
      for (let crash = 0; crash < 6; crash++) {
        actors.tell(ref, 'throw');
        const before = begun;
        const crashedAtMs = world.clock.now();
        await world.runUntil(crashedAtMs);
        while (begun === before) await world.runUntil(world.clock.now() + 50);
        delays.push(world.clock.now() - crashedAtMs);
      }
      expect(delays).toEqual([100, 200, 400, 800, 1_000, 1_000]);
      actors.tell(ref, { mark: 1 });
      actors.tell(ref, 'throw');
      await world.runUntil(world.clock.now());
      const before = begun;
      await world.runUntil(world.clock.now() + 100);
      expect(begun).toBe(before + 1);
    });

    it('while it begins is tried again, with what waits', async () => {
      let tries = 0;
      const ref = start({
        begin(self) {
          selves.push(self);
          if (++tries < 3) throw new Error(`try ${tries}`);
          return [];
        },
      });
      actors.tell(ref, { mark: 1 });
      await world.runUntil(299);
      expect(tries).toBe(2);
      await world.runUntil(300);
      expect([tries, handled]).toEqual([3, marks(1)]);
      expect(crashes).toEqual(['a:b~c: try 1', 'a:b~c: try 2']);
    });

    it('hears nothing that was meant for the incarnation before', async () => {
      let answer: (mark: number) => void = () => {};
      const ref = start();
      const work = new Promise<number>((resolve) => {
        answer = resolve;
      });
      const toMark = (mark: number): Message => ({ mark });
      selves[0]?.pipe(work, toMark, () => 'late');
      selves[0]?.after(150, 'late');
      actors.tell(ref, 'throw');
      selves[0]?.tell({ mark: 6 });
      actors.tell(ref, { mark: 1 });
      await world.runUntil(120);
      expect(begun).toBe(2);
      answer(7);
      selves[0]?.tell({ mark: 8 });
      await world.runUntil(200);
      expect(handled).toEqual(marks(1));
      expect(abandoned).toEqual(['throw', { mark: 6 }, { mark: 8 }, { mark: 7 }, 'late']);
    });

    it('does not disturb others', async () => {
      const ref = start();
      const other = actors.spawn('other', behaviour(), options);
      actors.tell(ref, 'throw');
      actors.tell(other, { mark: 1 });
      await world.runUntil(0);
      expect(handled).toEqual(marks(1));
    });
  });

  describe('that is stopped', () => {
    it('abandons what waits and whatever comes later, and begins no more', async () => {
      const ref = start();
      actors.tell(ref, { mark: 1 });
      actors.tell(ref, { mark: 2 });
      actors.stop(ref);
      actors.tell(ref, { mark: 3 });
      selves[0]?.tell({ mark: 4 });
      await world.runUntil(10_000);
      expect([handled, abandoned, begun]).toEqual([[], marks(1, 2, 3, 4), 1]);
    });

    it('between two incarnations stays away', async () => {
      const ref = start();
      actors.tell(ref, 'throw');
      await world.runUntil(50);
      actors.stop(ref);
      await world.runUntil(10_000);
      expect(begun).toBe(1);
    });

    it('leaves its name to the next one', async () => {
      actors.stop(start());
      const ref = start();
      expect(await answered(ref)).toEqual(accept(0));
    });

    it('only if idle, when asked so', async () => {
      const ref = start();
      actors.tell(ref, { mark: 1 });
      expect(actors.stopIfIdle(ref)).toBe(false);
      await world.runUntil(0);
      expect(handled).toEqual(marks(1));
      expect(actors.stopIfIdle(ref)).toBe(true);
      actors.tell(ref, { mark: 2 });
      expect(abandoned).toEqual(marks(2));
    });
  });

  it('pipes the result of its work, or its failure, back as a message', async () => {
    start();
    selves[0]?.pipe(
      Promise.resolve(1),
      (mark) => ({ mark }),
      () => 'late',
    );
    selves[0]?.pipe(
      Promise.reject(new Error('no')),
      () => 'late',
      (error) => ({ mark: (error as Error).message.length }),
    );
    await world.runUntil(0);
    expect(handled).toEqual(marks(1, 2));
  });

  it('has timers that can be cancelled', async () => {
    start();
    selves[0]?.after(10, { mark: 1 });
    const cancel = selves[0]?.after(10, { mark: 2 });
    cancel?.();
    await world.runUntil(9);
    expect(handled).toEqual([]);
    await world.runUntil(10);
    expect(handled).toEqual(marks(1));
  });

  describe('that is asked', () => {
    it('answers in time', async () => {
      expect(await answered(start())).toEqual(accept(0));
    });

    it('is given up when the time is over, and a later answer is too late', async () => {
      const replies: Reply<number>[] = [];
      const ref = start({
        receive(state, message) {
          if (typeof message === 'object' && 'reply' in message) replies.push(message.reply);
          return state;
        },
      });
      const outcomes: Outcome<number>[] = [];
      void ask<Message, number>(
        world.timers,
        (message) => actors.tell(ref, message),
        (reply) => ({ reply }),
        1_000,
      ).then((outcome) => outcomes.push(outcome));
      await world.runUntil(999);
      expect(outcomes).toEqual([]);
      await world.runUntil(1_000);
      replies[0]?.(accept(1));
      await world.runUntil(1_001);
      expect(outcomes).toMatchObject([{ ok: false, rejection: { code: 'SERVICE_UNAVAILABLE' } }]);
    });
  });

  async function answered(ref: ReturnType<typeof start>): Promise<Outcome<number>> {
    const answer = ask<Message, number>(
      world.timers,
      (message) => actors.tell(ref, message),
      (reply) => ({ reply }),
      1_000,
    );
    await world.runUntil(world.clock.now());
    return answer;
  }
});
