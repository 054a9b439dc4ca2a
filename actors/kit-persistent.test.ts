/** Event-sourced actors: what survives in which failure, and that nact's recovery is kept on a short lead. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Journal } from '../engine/ports.ts';
import { createMemoryJournal, type MemoryJournal } from '../persistence/memory/journal.ts';
import { SimulatedWorld } from '../test/sim/world.ts';
import { type ActorRef, type Actors, createActors, type PersistentBehaviour } from './kit.ts';

/** Adds its numbers; nothing is decided for an empty list. */
type Message = 'throw' | readonly number[];

const options = { mailboxMax: 10, restart: { minMs: 100, maxMs: 1_000 } };

describe('an event-sourced actor', () => {
  let world: SimulatedWorld;
  let journal: MemoryJournal;
  let actors: Actors;
  let crashes: string[];
  let reactions: string[];
  let abandoned: Message[];
  /** Each call of the journal that is named here fails once, before or after its effect. */
  let failing: { readonly call: string; readonly when: 'before' | 'after' }[];
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);

  beforeEach(() => {
    world = new SimulatedWorld(1, 0);
    crashes = [];
    reactions = [];
    abandoned = [];
    failing = [];
    journal = createMemoryJournal(
      (call, effect) =>
        new Promise((resolve, reject) => {
          const failure = failing[0]?.call === call ? failing.shift() : null;
          world.later(10, call, () => {
            try {
              if (failure?.when === 'before') throw new Error(`${call} failed`);
              const value = effect();
              if (failure) throw new Error(`${call} lost its answer`);
              resolve(value);
            } catch (error) {
              reject(error);
            }
          });
        }),
    );
    actors = system(journal);
    process.on('unhandledRejection', note);
  });
  afterEach(() => {
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  function system(store: Journal): Actors {
    return createActors(world, store, {
      crashed: (_, error) => crashes.push((error as Error).message),
      abandoned: () => {},
    });
  }

  const behaviour: PersistentBehaviour<number, number, Message> = {
    initial: () => 0,
    decide(_state, message) {
      if (message === 'throw') throw new Error('a bug');
      return message;
    },
    apply(state, event) {
      if (event < 0) throw new Error('an event that cannot be applied');
      return state + event;
    },
    react: (state, message) => reactions.push(message === null ? `recovered ${state}` : `${message} → ${state}`),
    abandon: (message) => abandoned.push(message),
  };

  const start = (name = 'sum:1', where = actors): ActorRef<Message> => where.spawnPersistent(name, behaviour, options);

  it('decides, persists, applies, and then reacts', async () => {
    const ref = start();
    actors.tell(ref, [1, 2]);
    await world.runUntil(15);
    expect(reactions).toEqual(['recovered 0']);
    await world.runUntil(20);
    expect(reactions).toEqual(['recovered 0', '1,2 → 3']);
    expect(journal.records).toEqual([{ key: 'sum:1', seq: 1, events: [1, 2] }]);
  });

  it('persists nothing when nothing was decided, and reacts all the same', async () => {
    actors.tell(start(), []);
    await world.runUntil(100);
    expect(reactions).toEqual(['recovered 0', ' → 0']);
    expect(journal.records).toEqual([]);
  });

  it('handles one message at a time, also while it persists', async () => {
    const ref = start();
    for (const n of [1, 2, 3]) actors.tell(ref, [n]);
    await world.runUntil(25);
    expect(reactions).toEqual(['recovered 0', '1 → 1']);
    await world.runUntil(100);
    expect(reactions).toEqual(['recovered 0', '1 → 1', '2 → 3', '3 → 6']);
    expect(journal.records.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  it('goes on from its events, and reacts once to its recovery without a message', async () => {
    actors.tell(start(), [1, 2]);
    await world.runUntil(100);
    const next = start('sum:1', system(journal));
    await world.runUntil(200);
    expect(reactions.slice(2)).toEqual(['recovered 3']);
    actors.tell(next, [4]);
    await world.runUntil(300);
    expect(reactions.slice(2)).toEqual(['recovered 3', '4 → 7']);
    expect(journal.records.at(-1)).toEqual({ key: 'sum:1', seq: 2, events: [4] });
  });

  it('has the events of its own key only', async () => {
    actors.tell(start('sum:1'), [1]);
    await world.runUntil(100);
    actors.tell(start('sum:2'), [5]);
    await world.runUntil(200);
    expect(reactions).toEqual(['recovered 0', '1 → 1', 'recovered 0', '5 → 5']);
  });

  describe('that cannot persist', () => {
    it.each([
      { when: 'before' as const, recovered: 'recovered 1', sum: 5 },
      { when: 'after' as const, recovered: 'recovered 3', sum: 7 },
    ])('abandons the message, and knows from the journal what happened: $when', async ({ when, recovered, sum }) => {
      const ref = start();
      actors.tell(ref, [1]);
      await world.runUntil(50);
      failing = [{ call: 'journal.append', when }];
      actors.tell(ref, [2]);
      actors.tell(ref, [4]);
      await world.runUntil(100);
      expect(abandoned).toEqual([[2]]);
      expect(crashes).toHaveLength(1);
      await world.runUntil(500);
      expect(reactions.slice(2)).toEqual([recovered, `4 → ${sum}`]);
      const seqs = journal.records.map(({ seq }) => seq);
      expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    });

    it('because another has written its number: never writes it twice', async () => {
      const ref = start();
      await world.runUntil(50);
      const zombie = start('sum:1', system(journal));
      await world.runUntil(100);
      actors.tell(ref, [1]);
      await world.runUntil(200);
      actors.tell(zombie, [2]);
      await world.runUntil(250);
      expect(abandoned).toEqual([[2]]);
      expect(journal.records).toEqual([{ key: 'sum:1', seq: 1, events: [1] }]);
    });
  });

  describe('that cannot recover', () => {
    it('never handles a message on an empty state: it tries again, later each time', async () => {
      actors.tell(start(), [1]);
      await world.runUntil(100);
      failing = Array.from({ length: 3 }, () => ({ call: 'journal.read', when: 'before' as const }));
      const again = start('sum:1', system(journal));
      actors.tell(again, [2]);
      // Each try takes 10 ms to fail, and the delays are 100, 200 and 400 ms.
      await world.runUntil(100 + 3 * 10 + 700 + 9);
      expect(crashes).toHaveLength(3);
      expect(reactions).toEqual(['recovered 0', '1 → 1']);
      await world.runUntil(1_000);
      expect(reactions.slice(2)).toEqual(['recovered 1', '2 → 3']);
      expect(crashes).toHaveLength(3);
    });

    it('because an event cannot be applied: once a try', async () => {
      await Promise.all([
        journal.append({ key: 'sum:1', seq: 1, events: [1] }),
        journal.append({ key: 'sum:1', seq: 2, events: [-1] }),
        journal.append({ key: 'sum:1', seq: 3, events: [1] }),
        world.runUntil(10),
      ]);
      start();
      await world.runUntil(10 + 10 + 100 + 10 + 199);
      expect(crashes).toEqual(['an event that cannot be applied', 'an event that cannot be applied']);
      expect(reactions).toEqual([]);
    });
  });

  it('that throws comes back with its events', async () => {
    const ref = start();
    actors.tell(ref, [1]);
    actors.tell(ref, 'throw');
    actors.tell(ref, [2]);
    await world.runUntil(500);
    expect(abandoned).toEqual(['throw']);
    expect(reactions).toEqual(['recovered 0', '1 → 1', 'recovered 1', '2 → 3']);
  });

  describe('that is stopped', () => {
    it('while it persists abandons the message, and does not react any more', async () => {
      const ref = start();
      actors.tell(ref, [1]);
      actors.tell(ref, [2]);
      await world.runUntil(15);
      actors.stop(ref);
      expect(abandoned).toEqual([[1], [2]]);
      const next = start();
      actors.tell(next, [4]);
      await world.runUntil(500);
      // The append was under way; whether it is in the journal is for the next one to find out.
      expect(reactions).toEqual(['recovered 0', 'recovered 1', '4 → 5']);
    });

    it('while it recovers does not react', async () => {
      actors.stop(start());
      await world.runUntil(100);
      expect(reactions).toEqual([]);
    });

    it('if idle, is busy as long as it recovers or persists', async () => {
      const ref = start();
      expect(actors.stopIfIdle(ref)).toBe(false);
      await world.runUntil(15);
      actors.tell(ref, [1]);
      await world.runUntil(20);
      expect(actors.stopIfIdle(ref)).toBe(false);
      await world.runUntil(30);
      expect(actors.stopIfIdle(ref)).toBe(true);
    });
  });
});
