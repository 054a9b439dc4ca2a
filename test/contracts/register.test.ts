/** What every register of members and leases must do, in memory or in Redis. Each test has a cluster of its own. */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { Member, Register, Shard } from '../../engine/membership.ts';
import { createMemoryRegister } from '../../persistence/memory/register.ts';
import { connectGate } from '../../persistence/redis/connection.ts';
import { nodesKey } from '../../persistence/redis/keys.ts';
import { createRegister } from '../../persistence/redis/register.ts';
import { openRedis } from '../stores.ts';

interface RegisterUnderTest {
  readonly register: Register;
  /** As if the node had last been heard of too long ago. */
  silence(nodeId: string): Promise<void>;
  forget(): Promise<void>;
}

const memberTtlMs = 60_000;
const closers: (() => void)[] = [];
afterAll(() => {
  for (const close of closers) close();
});

const node = (nodeId: string, more: Partial<Member> = {}): Member => ({
  nodeId,
  incarnation: `${nodeId}-1`,
  state: 'serving',
  address: { endpoint: `tcp://127.0.0.1:1${nodeId.length}`, publicKey: 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7' },
  ...more,
});
const [a, b] = [node('a'), node('b')];
const zone: Shard = { kind: 'zone', id: 'z' };

function describeRegister(name: string, open: () => Promise<RegisterUnderTest>): void {
  describe(`${name}: a register`, () => {
    let under: RegisterUnderTest;
    beforeEach(async () => {
      under = await open();
    });
    const present = (members: readonly Member[], wasUnknown: boolean) => ({
      kind: 'present',
      wasUnknown,
      members: expect.toSatisfy((found: readonly Member[]) => {
        const sorted = [...found].sort((one, other) => (one.nodeId < other.nodeId ? -1 : 1));
        expect(sorted).toEqual(members);
        return true;
      }),
    });

    it('tells who is there, with what they say of themselves', async () => {
      expect(await under.register.beat(a, true)).toEqual(present([a], true));
      expect(await under.register.beat(b, true)).toEqual(present([a, b], true));
      const leaving = node('a', { state: 'leaving' });
      expect(await under.register.beat(leaving, false)).toEqual(present([leaving, b], false));
    });

    it('forgets who leaves, and who was silent for too long', async () => {
      for (const one of [a, b, node('c')]) await under.register.beat(one, true);
      await under.register.leave(b);
      await under.silence('c');
      expect(await under.register.beat(a, false)).toEqual(present([a], false));
      expect(await under.register.beat(node('c'), false)).toEqual(present([a, node('c')], true));
    });

    it('has a newer start of a node take the place of the one before, for good', async () => {
      await under.register.beat(a, true);
      const again = node('a', { incarnation: 'a-2' });
      expect(await under.register.beat(again, true)).toEqual(present([again], false));
      expect(await under.register.beat(a, false)).toEqual({ kind: 'replaced' });
      await under.register.leave(a);
      expect(await under.register.beat(again, false)).toEqual(present([again], false));
    });

    it('gives a lease to one node until it gives it back', async () => {
      for (const one of [a, b]) await under.register.beat(one, true);
      expect(await under.register.claim(a, zone)).toBe('a');
      expect(await under.register.claim(b, zone)).toBe('a');
      expect(await under.register.claim(a, zone)).toBe('a');
      expect(await under.register.claim(b, { ...zone, kind: 'room' })).toBe('b');
      await under.register.release(b, zone);
      expect(await under.register.claim(b, zone)).toBe('a');
      await under.register.release(a, zone);
      expect(await under.register.claim(b, zone)).toBe('b');
    });

    it('takes leases of a node that is gone, silent or started anew for free', async () => {
      const again = node('a', { incarnation: 'a-2' });
      const endings = [() => under.register.leave(a), () => under.silence('a'), () => under.register.beat(again, true)];
      for (const end of endings) {
        for (const one of [a, b]) await under.register.beat(one, true);
        expect(await under.register.claim(a, zone)).toBe('a');
        await end();
        expect(await under.register.claim(b, zone)).toBe('b');
        await under.register.release(a, zone);
        expect(await under.register.claim(b, zone)).toBe('b');
        await under.register.release(b, zone);
      }
    });

    it('keeps the lease of a node that started anew in its family', async () => {
      const again = node('a', { incarnation: 'a-2' });
      for (const one of [a, b]) await under.register.beat(one, true);
      await under.register.claim(a, zone);
      await under.register.beat(again, true);
      expect(await under.register.claim(again, zone)).toBe('a');
      await under.register.release(a, zone);
      expect(await under.register.claim(b, zone)).toBe('a');
    });

    it('leases nothing to a node that is not there', async () => {
      await expect(under.register.claim(a, zone)).rejects.toThrow('NOT_A_MEMBER');
      await under.register.beat(a, true);
      await expect(under.register.claim(node('a', { incarnation: 'a-0' }), zone)).rejects.toThrow('NOT_A_MEMBER');
      await under.silence('a');
      await expect(under.register.claim(a, zone)).rejects.toThrow('NOT_A_MEMBER');
    });

    it('says so when it was lost', async () => {
      await under.register.beat(a, true);
      await under.forget();
      expect(await under.register.beat(a, false)).toEqual(present([a], true));
    });
  });
}

describeRegister('memory', async () => {
  const register = createMemoryRegister({ memberTtlMs, now: Date.now });
  return { register, silence: async (nodeId) => register.silence(nodeId), forget: async () => register.forget() };
});

describeRegister('Redis', async () => {
  const redisUrl = await openRedis();
  const cluster = `test-${randomUUID()}`;
  const connection = connectGate(redisUrl, { commandTimeoutMs: 5_000, failed: () => {} });
  const admin = new Redis(redisUrl);
  closers.push(() => {
    connection.close();
    admin.disconnect();
  });
  await connection.all(5_000);
  const nodes = nodesKey(cluster);
  return {
    register: createRegister(connection, { cluster, memberTtlMs }),
    async silence(nodeId) {
      const known = (await admin.hget(nodes, nodeId)) ?? '';
      await admin.hset(nodes, nodeId, known.replace(/^\d+/, '1'));
    },
    forget: async () => void (await admin.flushdb()),
  };
});
