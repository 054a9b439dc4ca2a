/** Tests: files in parallel on two workers, each with a private PostgreSQL and Redis of its own (test/stores.ts). */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**', 'dist/**', 'test/browser/**'],
    globalSetup: ['test/store-keeper.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // Generous, since they only end a test that hangs: the machine may be busy, and no test asserts a time.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000, interval: 20 } },
  },
});
