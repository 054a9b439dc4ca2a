import { describe, expect, it } from 'vitest';
import { createPasswords } from './passwords.ts';

describe('a password', () => {
  it('matches its hash and no other', async () => {
    const passwords = createPasswords({ cost: 4 });
    const hashed = await passwords.hash('correct horse');
    if (!hashed.ok) throw new Error('expected a hash');
    expect(await passwords.matches('correct horse', hashed.value)).toEqual({ ok: true, value: true });
    expect(await passwords.matches('Correct horse', hashed.value)).toEqual({ ok: true, value: false });
  });

  it('matches nobody when there is no account, not even the hash that stands in for one', async () => {
    expect(await createPasswords({ cost: 4 }).matches('', null)).toEqual({ ok: true, value: false });
  });
});

describe('many at once', () => {
  it('wait in a bounded queue, and the rest are told to come back', async () => {
    const passwords = createPasswords({ cost: 4, workersMax: 1, waitingMax: 3 });
    const all = await Promise.all(Array.from({ length: 10 }, (_, n) => passwords.hash(`password ${n}`)));
    expect(all.map(({ ok }) => ok)).toEqual([true, true, true, true, ...Array(6).fill(false)]);
    expect(all.at(-1)).toMatchObject({ rejection: { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 2 } });
    // The queue is free again, one place for each that was taken.
    const later = await Promise.all(Array.from({ length: 5 }, () => passwords.hash('later')));
    expect(later.map(({ ok }) => ok)).toEqual([true, true, true, true, false]);
  });

  it('do not lose their places to one that fails', async () => {
    const passwords = createPasswords({ cost: 4, workersMax: 1, waitingMax: 1 });
    await expect(passwords.hash(undefined as unknown as string)).rejects.toThrow();
    const later = await Promise.all([passwords.hash('a'), passwords.hash('b'), passwords.hash('c')]);
    expect(later.map(({ ok }) => ok)).toEqual([true, true, false]);
  });
});
