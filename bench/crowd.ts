/** Many buyers at once: who comes when, and how it ended for all of them. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Fixture } from '../cli/seed.ts';
import { type BuyerEnd, buy, type Ending, type Manner, type Scene } from './buyer.ts';
import { chanceFrom } from './chance.ts';

/** How likely each manner is. */
export type Mood = Readonly<Record<Manner, number>>;

/** Most want to see the show. */
export const eager: Mood = {
  pays: 50,
  'pays-and-waits': 10,
  'pays-late': 5,
  'second-card': 10,
  'bad-card': 7,
  cancels: 9,
  'walks-away': 9,
};

export interface Crowd {
  /** Sends the next `count` users of the fixture, spread evenly at random over `overMs`. Resolves when all have come. */
  admit(count: number, overMs: number, mood: Mood): Promise<void>;
  /** Buyers who are still at it. */
  readonly present: number;
  readonly came: number;
  /** Buyers and seats by ending. */
  readonly endings: Readonly<Record<Ending, { readonly buyers: number; readonly seats: number }>>;
  /** What the API answered against its promise, and what nobody ever decided. */
  readonly troubles: readonly string[];
  /** Resolves when nobody is present. */
  gone(): Promise<void>;
}

const troublesMax = 20;

/** Users are taken in the order of the fixture; past its end it begins again, with other keys. */
export function gatherCrowd(users: Fixture['users'], scene: Scene, seed: number): Crowd {
  const endings = { ...blankEndings };
  const troubles: string[] = [];
  const chance = chanceFrom(seed);
  let came = 0;
  let present = 0;

  const finish = ({ ending, seats }: BuyerEnd) => {
    const { buyers, seats: before } = endings[ending];
    endings[ending] = { buyers: buyers + 1, seats: before + seats };
  };
  const trouble = (error: unknown) => {
    if (troubles.length < troublesMax) troubles.push(String(error));
  };
  const arrive = async (number: number, afterMs: number, mood: Mood) => {
    await delay(afterMs);
    const user = users[number % users.length];
    if (!user) throw new Error('the fixture has no users');
    const own = chanceFrom(seed + 7_919 * (number + 1));
    const { user_id: userId, token } = user;
    const buyer = { userId, token, manner: own.pick(mood), chance: own, keyPrefix: `buyer-${number}` };
    return buy(buyer, scene);
  };

  return {
    get present() {
      return present;
    },
    get came() {
      return came;
    },
    endings,
    troubles,
    async admit(count, overMs, mood) {
      for (let i = 0; i < count; i++) {
        present++;
        arrive(came++, chance.next() * overMs, mood)
          .then(finish, trouble)
          .finally(() => present--);
      }
      await delay(overMs);
    },
    async gone() {
      while (present > 0) await delay(250);
    },
  };
}

const nobody = { buyers: 0, seats: 0 };
const blankEndings: Record<Ending, { buyers: number; seats: number }> = {
  confirmed: nobody,
  cancelled: nobody,
  expired: nobody,
  refunded: nobody,
  'went-home': nobody,
  'at-limit': nobody,
};
