import { expect, it } from 'vitest';
import { z } from 'zod';
import { fieldProblem } from './field-problem.ts';

it.each([
  [z.string(), undefined, 'is missing'],
  [z.enum(['a', 'b']), undefined, 'is missing'],
  [z.string(), null, 'must be a string'],
  [z.boolean(), 'yes', 'must be true or false'],
  [z.array(z.int()), {}, 'must be a list'],
  [z.strictObject({}), [], 'must be an object'],
  [z.coerce.number(), 'ten', 'must be a number'],
  [z.number().positive(), 0, 'must be more than 0'],
  [z.string().min(2), 'x', 'must have at least 2 characters'],
  [z.array(z.int()).max(1), [1, 2], 'must have at most 1 entries'],
  [z.enum(['off', 'open']), 'closed', 'must be one of off, open'],
  [z.uuid(), 'demo-open', 'must be a UUID'],
  [z.url(), 'home', 'must be a URL'],
  [z.email(), 'home', 'is not an e-mail address'],
  [z.date(), 'now', 'must be of type date'],
] as const)('says in plain words what is wrong with a field (%#)', (schema, value, words) => {
  const { error } = schema.safeParse(value, { error: fieldProblem });
  expect(error?.issues.map((issue) => issue.message)).toEqual([words]);
});
