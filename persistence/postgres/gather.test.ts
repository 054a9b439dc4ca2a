import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { gather } from './gather.ts';

/** Work that is done when the test says so; remembers what it was given. */
function held() {
  const batches: (readonly number[])[] = [];
  const ends: (() => void)[] = [];
  const work = async (items: readonly number[]) => {
    batches.push(items);
    await new Promise<void>((resolve) => ends.push(resolve));
    return items.map((item) => 10 * item);
  };
  return { batches, work, end: () => ends.shift()?.() };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** As PostgreSQL refuses a statement. */
function refusal(): pg.DatabaseError {
  const error = new pg.DatabaseError('duplicate key', 0, 'error');
  error.severity = 'ERROR';
  return error;
}

describe('callers', () => {
  it('of one turn share a batch, those who come meanwhile share the next, and each has its own result', async () => {
    const { batches, work, end } = held();
    const ask = gather(3, work);
    const first = [ask(1), ask(2)];
    await turn();
    const later = [ask(3), ask(4), ask(5), ask(6)];
    await turn();
    expect(batches).toEqual([[1, 2]]);
    end();
    expect(await Promise.all(first)).toEqual([10, 20]);
    await turn();
    expect(batches).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
    end();
    await turn();
    end();
    expect(await Promise.all(later)).toEqual([30, 40, 50, 60]);
    expect(batches).toHaveLength(3);
  });

  it('whose batch is refused are tried alone: only who cannot be served fails', async () => {
    const tried: (readonly number[])[] = [];
    const ask = gather(10, async (items: readonly number[]) => {
      tried.push(items);
      if (items.includes(2)) throw refusal();
      return items;
    });
    const results = await Promise.allSettled([ask(1), ask(2), ask(3)]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(tried).toEqual([[1, 2, 3], [1], [2], [3]]);
  });

  it('who get no answer all hear so at once, and the next are served', async () => {
    let tries = 0;
    const ask = gather(10, async (items: readonly number[]) => {
      if (++tries === 1) throw new Error('the connection is lost');
      return items;
    });
    const results = await Promise.allSettled([ask(1), ask(2)]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await ask(3)).toBe(3);
    expect(tries).toBe(2);
  });
});
