import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RoomAddress, RoomRequest } from '../actors/waiting-room-requests.ts';
import { accept, type Outcome, reject, unavailable } from '../engine/outcome.ts';
import { createPassDesk } from './pass-desk.ts';
import { createPassSeal, type PassSeal } from './pass-seal.ts';
import { readSigningKeys } from './signing-keys.ts';

const [userId, eventId] = ['0198aaaa-0000-7000-8000-000000000002', '0198aaaa-0000-7000-8000-000000000001'];
const nowMs = Date.UTC(2030, 0, 1);

let seal: PassSeal;
let token: string;
beforeAll(async () => {
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  seal = createPassSeal(await readSigningKeys(JSON.stringify(jwk)), { now: () => nowMs });
  token = await seal.seal({ eventId, userId, admission: 7, endsAtMs: nowMs + 60_000 });
});

/** What a reservation with the pass comes to when the room says `said` of it; null: the room says nothing. */
async function reserveWhen(said: Outcome<null> | null, pass: string | undefined = token) {
  const heard: RoomRequest[] = [];
  const room: RoomAddress = {
    send(request) {
      heard.push(request);
      if (said && request.kind === 'use') request.reply(said);
    },
    ...{ door: 'a door', news: null, subscribe: () => () => {} },
  };
  const answers: Outcome<unknown>[] = [];
  let tries = 0;
  const desk = createPassDesk(seal, () => room);
  desk.enter(
    { token: pass, userId, eventId, key: 'k' },
    (answer) => {
      tries++;
      answer(unavailable('the zone is busy'));
    },
    (outcome) => void answers.push(outcome),
  );
  await new Promise((resolve) => setImmediate(resolve));
  return { tries, answers, heard };
}

describe('a reservation behind a waiting room', () => {
  it('is tried when the room lets the pass through, which hears what came of it', async () => {
    await seal.check(token);
    const { tries, answers, heard } = await reserveWhen(accept(null));
    expect(tries).toBe(1);
    expect(answers).toEqual([unavailable('the zone is busy')]);
    expect(heard.map(({ kind }) => kind)).toEqual(['use', 'used']);
    expect(heard.at(-1)).toMatchObject({ end: { end: 'unknown' } });
  });

  it.each([
    ['cannot be asked', unavailable('it is moving')],
    ['does not know the pass', reject('QUEUE_PASS_INVALID', { reason: 'unknown' })],
  ])('is not tried when the room %s', async (_why, said) => {
    await seal.check(token);
    expect(await reserveWhen(said)).toMatchObject({ tries: 0, answers: [said] });
  });

  it('is not tried while the room has not answered, nor without a pass', async () => {
    await seal.check(token);
    expect(await reserveWhen(null)).toMatchObject({ tries: 0, answers: [] });
    expect(await reserveWhen(accept(null), '')).toMatchObject({
      ...{ tries: 0, answers: [{ rejection: { code: 'QUEUE_PASS_REQUIRED' } }], heard: [] },
    });
  });
});
