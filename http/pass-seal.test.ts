import { generateKeyPairSync } from 'node:crypto';
import { createLocalJWKSet, type JSONWebKeySet, type JWK, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import type { PassTerms } from '../actors/waiting-room-requests.ts';
import { createPassSeal } from './pass-seal.ts';
import { readSigningKeys } from './signing-keys.ts';

const startMs = Date.UTC(2030, 0, 1);
const pass: PassTerms = {
  eventId: '0198aaaa-0000-7000-8000-000000000001',
  userId: '0198aaaa-0000-7000-8000-000000000002',
  admission: 17,
  endsAtMs: startMs + 300_000,
};
const newKey = () => generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }) as JWK;
const [old, fresh] = [newKey(), newKey()];

/** A node with these keys, the newest first, so many ms later. */
async function sealWith(keys: readonly JWK[], laterMs = 0) {
  return createPassSeal(await readSigningKeys(JSON.stringify({ keys })), { now: () => startMs + laterMs });
}

describe('a pass', () => {
  it('is good at every node until its end, and a few seconds more: clocks differ', async () => {
    const token = await (await sealWith([old])).seal(pass);
    expect(await (await sealWith([old], 299_000)).check(token)).toEqual({ ok: true, pass });
    expect((await (await sealWith([old], 304_000)).check(token)).ok).toBe(true);
    expect(await (await sealWith([old], 306_000)).check(token)).toEqual({ ok: false, reason: 'expired' });
  });

  it('is remembered no longer than it is good', async () => {
    let nowMs = startMs;
    const seal = createPassSeal(await readSigningKeys(JSON.stringify(old)), { now: () => nowMs });
    const token = await seal.seal(pass);
    expect(seal.recall(token)).toBeUndefined();
    await seal.check(token);
    expect(seal.recall(token)).toEqual({ ok: true, pass });
    nowMs += 306_000;
    expect(seal.recall(token)).toEqual({ ok: false, reason: 'expired' });
  });

  it('stays good when a new key is put in front of the one that signed it, and not when that is dropped', async () => {
    const token = await (await sealWith([old])).seal(pass);
    expect((await (await sealWith([fresh, old])).check(token)).ok).toBe(true);
    expect(await (await sealWith([fresh])).check(token)).toEqual({ ok: false, reason: 'forged' });
    const next = await (await sealWith([fresh, old])).seal(pass);
    expect((await (await sealWith([fresh])).check(next)).ok).toBe(true);
  });

  it('can be checked by anybody with the published keys', async () => {
    const keys = await readSigningKeys(JSON.stringify({ keys: [fresh, old] }));
    const token = await (await sealWith([old])).seal(pass);
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys.jwks as JSONWebKeySet), {
      algorithms: ['EdDSA'],
      currentDate: new Date(startMs),
    });
    expect(payload).toMatchObject({ sub: pass.userId, event_id: pass.eventId, jti: '17' });
    expect(JSON.stringify(keys.jwks)).not.toContain('"d"');
  });
});
