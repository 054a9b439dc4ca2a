import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exampleEnvironment, readConfig, UsageError } from './config.ts';

/** What is wrong, one line a problem. */
function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message.split('\n').slice(1);
  }
}

const names = (problems: readonly string[]) => problems.map((problem) => problem.trim().split(':')[0]);
const privateKey = (type: 'ed25519' | 'x25519') =>
  JSON.stringify(generateKeyPairSync(type as 'ed25519').privateKey.export({ format: 'jwk' }));

describe('nothing configured', () => {
  it('is the demo', () => {
    expect(readConfig({})).toEqual({
      PORT: 8080,
      HOST: '127.0.0.1',
      CLUSTER_NAME: 'cluster',
      COMMIT_TIMEOUT_MS: 5_000,
      MESH_PORT: 0,
      KAFKA_BROKERS: [],
      KAFKA_PREFIX: '',
      ONSALE_DATA_DIR: '.onsale',
      STRIPE_WEBHOOK_SECRET: [],
      SANDBOX_PORT: 12_111,
      RATE_LIMIT: 'on',
      HOLD_TTL_SECONDS: 600,
      PAYMENT_GRACE_SECONDS: 120,
      RESERVE_BATCH_MAX: 256,
      RESERVE_WAITING_MAX: 20_000,
      RESERVE_WAIT_MAX_MS: 200,
      RESERVE_ACK: 'durable',
      QUEUE_BATCH_MAX: 1_024,
      QUEUE_WAITING_MAX: 50_000,
      LIVE_CONNECTIONS_MAX: 16_000,
      ALLOW_UNSAFE: '0',
      CORS_ORIGINS: [],
      TRUST_PROXY: [],
      BCRYPT_COST: 12,
      LOG_LEVEL: 'info',
    });
  });

  it('is the same as everything blank, and what is not ours does not matter', () => {
    const blank = Object.fromEntries(Object.keys(readConfig({})).map((name) => [name, '']));
    expect(readConfig({ ...blank, DATABASE_URL: '', PATH: '/bin', npm_config_port: 'x' })).toEqual(readConfig({}));
  });

  it('cannot be changed by who reads it', () => {
    expect(Object.isFrozen(readConfig({}))).toBe(true);
  });
});

describe('what is configured', () => {
  it('is read with its type', () => {
    const given = readConfig({
      PORT: '0',
      HOLD_TTL_SECONDS: '0.25',
      DATABASE_URL: 'postgresql://u:p@db/onsale',
      REDIS_URL: 'rediss://cache:6380',
      JWT_SECRET: 'x'.repeat(32),
      PASS_PRIVATE_KEY: privateKey('ed25519'),
      STRIPE_SECRET_KEY: 'sk_test_1',
      STRIPE_WEBHOOK_SECRET: 'whsec_new, whsec_old,',
      CORS_ORIGINS: 'https://a.test,https://b.test',
    });
    expect(given).toMatchObject({ PORT: 0, HOLD_TTL_SECONDS: 0.25, STRIPE_WEBHOOK_SECRET: ['whsec_new', 'whsec_old'] });
    expect(given.CORS_ORIGINS).toEqual(['https://a.test', 'https://b.test']);
  });

  it.each([
    { PORT: '65536' },
    { PORT: '80.5' },
    { PORT: 'http' },
    { SANDBOX_PORT: '-1' },
    { HOLD_TTL_SECONDS: '0' },
    { HOLD_TTL_SECONDS: 'Infinity' },
    { HOLD_TTL_SECONDS: '1e15' },
    { PAYMENT_GRACE_SECONDS: '-5' },
    { RESERVE_BATCH_MAX: '513' },
    { RESERVE_WAITING_MAX: '0' },
    { RESERVE_WAIT_MAX_MS: '0' },
    { RESERVE_ACK: 'now' },
    { BCRYPT_COST: '3' },
    { BCRYPT_COST: '31' },
    { RATE_LIMIT: 'no' },
    { ALLOW_UNSAFE: 'yes' },
    { LOG_LEVEL: 'loud' },
    { DATABASE_URL: 'mysql://db/onsale' },
    { DATABASE_URL: 'db' },
    { KAFKA_PREFIX: 'my shop' },
    { REDIS_URL: 'http://cache' },
    { STRIPE_API_BASE: 'here' },
    { JWT_SECRET: 'x'.repeat(31) },
    { PASS_PRIVATE_KEY: privateKey('x25519') },
    { PASS_PRIVATE_KEY: '{}' },
  ])('is refused by its name: %o', (environment) => {
    expect(names(problemsOf(environment as Record<string, string>))).toEqual(Object.keys(environment));
  });

  it('must say how webhooks are signed when payments go to Stripe', () => {
    expect(names(problemsOf({ STRIPE_SECRET_KEY: 'sk_live_1' }))).toEqual(['STRIPE_WEBHOOK_SECRET']);
  });

  it('is refused with every problem at once', () => {
    const wrong = { PORT: 'x', JWT_SECRET: 'short', LOG_LEVEL: 'loud', BCRYPT_COST: '99' };
    expect(names(problemsOf(wrong)).sort()).toEqual(Object.keys(wrong).sort());
  });

  it('is never quoted: it may be a secret', () => {
    const secrets = {
      JWT_SECRET: 'hunter2',
      PASS_PRIVATE_KEY: 'hunter2',
      DATABASE_URL: 'mysql://u:hunter2@db/onsale',
      REDIS_URL: 'hunter2',
      STRIPE_API_BASE: 'hunter2',
      PORT: 'hunter2',
    };
    const problems = problemsOf(secrets);
    expect(problems).toHaveLength(Object.keys(secrets).length);
    expect(problems.join()).not.toContain('hunter2');
  });
});

it('is explained by .env.example, which is as `onsale env` prints it', () => {
  expect(readFileSync(join(import.meta.dirname, '.env.example'), 'utf8')).toBe(`${exampleEnvironment()}\n`);
});
