/** What `bench beside` takes for its own and what for the scenario's. */
import { expect, it } from 'vitest';
import { readBeside } from './beside.ts';

it('leaves the scenario all flags of its own', () => {
  const scenario = ['peers', '--other', 'x', '--rounds', '1'];
  expect(readBeside(['--other', 'node /a.mjs', ...scenario])).toEqual({ other: 'node /a.mjs', scenario });
});

it.each([[[]], [['lifecycle']], [['--other', 'node /a.mjs']], [['--other', 'node /a.mjs', '--rate', '5']]])(
  'needs a server and a scenario: %j',
  (args) => {
    expect(() => readBeside(args)).toThrow("beside needs --other 'COMMAND' and then a scenario");
  },
);
