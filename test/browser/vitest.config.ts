/** The pages in a real browser. Apart from the other tests, because not every machine has one: `npm run test:browser`. */
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: join(import.meta.dirname, '..', '..'),
    include: ['test/browser/*.test.ts'],
    globalSetup: ['test/store-keeper.ts'],
    pool: 'forks',
    maxWorkers: 1,
    // They only end a test that hangs: the browser waits for what is to be seen, not for a time.
    testTimeout: 120_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 60_000 } },
  },
});
