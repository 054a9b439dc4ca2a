import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type RejectionCode, rejections } from '../engine/outcome.ts';
import { invalid, problemBody, problems } from './problem.ts';

describe('docs/errors.md', () => {
  it('says of every code what the table says, and of no other', () => {
    const text = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8');
    const rows = text.split('\n').filter((line) => line.startsWith('| `'));
    const cells = rows.map((row) =>
      row
        .split('|')
        .map((cell) => cell.trim())
        .slice(1, -1),
    );
    const expected = Object.entries(rejections).map(([code, meaning]) => {
      const { status, retry } = problems[code as RejectionCode];
      return [`\`${code}\``, String(status), meaning, retry];
    });
    expect(cells.sort()).toEqual(expected.sort());
  });
});

describe('a refusal', () => {
  it('has a status of the 4xx or 5xx class for every code', () => {
    expect(Object.keys(problems).sort()).toEqual(Object.keys(rejections).sort());
    for (const { status } of Object.values(problems)) expect(status).toSatisfy((n: number) => n >= 400 && n < 600);
  });

  it('carries code, message and details, with the meaning of the code as message when it has none', () => {
    expect(JSON.parse(problemBody({ code: 'SALE_ENDED' }))).toEqual({
      success: false,
      error: { code: 'SALE_ENDED', message: rejections.SALE_ENDED, details: {} },
    });
    const own = { code: 'INSUFFICIENT_STOCK', message: 'gone', details: { available: 0 } } as const;
    expect(JSON.parse(problemBody(own))).toEqual({ success: false, error: own });
  });
});

describe('what schemas find wrong', () => {
  const schema = z.strictObject({ quantity: z.int().min(1), buyer: z.strictObject({ name: z.string() }) });
  const refusalOf = (value: unknown) => {
    const { error } = schema.safeParse(value);
    if (!error) throw new Error('expected a refusal');
    return invalid(error);
  };

  it('is told by field, unknown fields included, at any depth', () => {
    const { code, details } = refusalOf({ quantity: 0, price: 1, buyer: { name: 'Ann', role: 'admin' } });
    expect(code).toBe('VALIDATION_ERROR');
    expect(details).toEqual({
      quantity: expect.stringContaining('>=1'),
      price: 'unknown field',
      'buyer.role': 'unknown field',
    });
  });

  it('is told of the body when it is no object', () => {
    expect(refusalOf([1]).details).toEqual({ body: expect.any(String) });
  });
});
