/**
 * The only reader of the environment. One schema with units and defaults; every problem is named at once, and no secret
 * is ever part of a message.
 */
import { createPrivateKey, type JsonWebKey } from 'node:crypto';
import { z } from 'zod';

const number = () => z.coerce.number('must be a number');
const port = (fallback: number) => number().int().min(0).max(65_535).default(fallback);
const word = z.string().regex(/^[A-Za-z0-9._:-]{1,100}$/, 'must be letters, digits and . _ : -');
const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean),
  );
const secret = z
  .string()
  .refine((text) => Buffer.byteLength(text) >= 32, 'must be at least 32 bytes, chosen at random');
const seconds = (fallback: number) => number().positive().max(86_400).default(fallback);
const redisUrl = z.url({ protocol: /^rediss?$/ });

/** Each variable: absent means the demo's default. */
const variables = z.object({
  PORT: port(8080).describe('TCP port of the API; 0 = any free one'),
  HOST: z.string().default('127.0.0.1').describe('address to listen on'),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/, error: 'must be an address such as postgres://user:password@host:5432/name' })
    .optional()
    .describe('PostgreSQL 15+; absent: a private one under ONSALE_DATA_DIR'),
  REDIS_URL: z
    .string()
    .refine((text) => text.split(',').every((url) => redisUrl.safeParse(url).success), {
      error: 'must be an address such as redis://host:6379, or several by comma',
    })
    .optional()
    .describe('Redis 7+; several by comma: members of a Redis Cluster; absent: a private one under ONSALE_DATA_DIR'),
  KAFKA_BROKERS: list.describe('brokers of the event log as host:port, by comma; absent: events stay in the process'),
  KAFKA_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9._-]{0,100}$/)
    .default('')
    .describe('before the names of all topics and consumer groups, for shops that share brokers'),
  ONSALE_DATA_DIR: z.string().default('.onsale').describe('where the private stores and keys of the demo live'),
  JWT_SECRET: secret
    .optional()
    .describe('HS256 key of access tokens; absent: made once and kept under ONSALE_DATA_DIR'),
  PASS_PRIVATE_KEY: z
    .string()
    .refine(areEd25519Keys, 'must be an Ed25519 private key as a JWK, or a set of them')
    .optional()
    .describe(
      'Ed25519 private key as a JWK, for tickets and passes; {"keys":[…]}: the first signs, all check; absent: made once and kept',
    ),
  STRIPE_SECRET_KEY: z.string().optional().describe('absent: the sandbox takes the place of Stripe'),
  STRIPE_WEBHOOK_SECRET: list.describe(
    'signing secrets of the webhook endpoint, the newest first (rotation: several, by comma)',
  ),
  STRIPE_API_BASE: z.url().optional().describe('another base of the Stripe API, for tests'),
  VNPAY_TMN_CODE: z.string().optional().describe('terminal code at VNPay; needs VNPAY_HASH_SECRET'),
  VNPAY_HASH_SECRET: z.string().optional().describe('key that VNPay and we sign with'),
  VNPAY_API_BASE: z.url().optional().describe("another base of VNPay's addresses, for tests"),
  ZALOPAY_APP_ID: number().int().positive().optional().describe('app at ZaloPay; needs both keys'),
  ZALOPAY_KEY1: z.string().optional().describe('key that we sign with'),
  ZALOPAY_KEY2: z.string().optional().describe('key that ZaloPay signs with'),
  ZALOPAY_API_BASE: z.url().optional().describe("another base of ZaloPay's API, for tests"),
  PAYOS_CLIENT_ID: z.string().optional().describe('channel at PayOS; needs both keys'),
  PAYOS_API_KEY: z.string().optional().describe('proves us to PayOS'),
  PAYOS_CHECKSUM_KEY: z.string().optional().describe('key that PayOS and we sign with'),
  PAYOS_API_BASE: z.url().optional().describe("another base of PayOS's API, for tests"),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .transform((text) => text.replace(/\/+$/, ''))
    .optional()
    .describe('where browsers and payment providers reach this server; absent: its own address'),
  CLUSTER_NAME: word
    .default('cluster')
    .describe('nodes of one name on the same stores share the work; shops that share a Redis need two'),
  NODE_ID: word.optional().describe('name of this node, which stays over restarts; absent: the host and PORT'),
  MESH_PORT: port(0).describe('TCP port for the other nodes of the cluster; 0 = any free one'),
  MESH_HOST: z.string().optional().describe('address at which they reach this node; absent: HOST'),
  SANDBOX_PORT: port(12_111).describe('TCP port of the payment sandbox; 0 = any free one'),
  RATE_LIMIT: z.enum(['on', 'off']).default('on').describe('off: no rate limits, for benchmarks'),
  HOLD_TTL_SECONDS: seconds(600).describe('how long seats are held'),
  PAYMENT_GRACE_SECONDS: seconds(120).describe('a started payment extends the hold once to at least this from then'),
  RESERVE_BATCH_MAX: number().int().min(1).max(512).default(256).describe('reservations in one batch of a zone'),
  RESERVE_WAITING_MAX: number().int().min(1).default(20_000).describe('reservations that may wait for one zone'),
  RESERVE_WAIT_MAX_MS: number()
    .int()
    .min(1)
    .max(3_000)
    .default(200)
    .describe('who would wait longer for one zone, at the pace of the last ones, is told at once to come again'),
  RESERVE_ACK: z
    .enum(['durable', 'gate'])
    .default('durable')
    .describe('gate: answer before the commit, for comparison runs only; a crash then loses acknowledged bookings'),
  COMMIT_TIMEOUT_MS: number()
    .int()
    .min(100)
    .default(5_000)
    .describe('a commit of PostgreSQL that takes longer counts as lost, and its zone asks again what became of it'),
  QUEUE_BATCH_MAX: number().int().min(1).default(1_024).describe('requests in one batch of a waiting room'),
  QUEUE_WAITING_MAX: number()
    .int()
    .min(1)
    .default(50_000)
    .describe('requests that may wait to be judged by one waiting room'),
  LIVE_CONNECTIONS_MAX: number()
    .int()
    .min(0)
    .default(16_000)
    .describe('WebSockets and streams at once; keep it well below the limit of open files'),
  ALLOW_UNSAFE: z.enum(['0', '1']).default('0').describe('1: start although a store lacks what the promises need'),
  CORS_ORIGINS: list.describe('origins of browsers that may call the API, by comma'),
  TRUST_PROXY: list.describe('addresses of proxies whose X-Forwarded-For counts, by comma'),
  BCRYPT_COST: number().int().min(4).max(15).default(12).describe('work of one password hash, as a power of two'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('lines below it are not logged'),
});

/** An account that is configured in part would be taken for none, and the sandbox for it. */
const wholeAccounts = [
  ['VNPAY_TMN_CODE', 'VNPAY_HASH_SECRET'],
  ['ZALOPAY_APP_ID', 'ZALOPAY_KEY1', 'ZALOPAY_KEY2'],
  ['PAYOS_CLIENT_ID', 'PAYOS_API_KEY', 'PAYOS_CHECKSUM_KEY'],
] as const;

const schema = variables
  .refine(({ STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET }) => !STRIPE_SECRET_KEY || STRIPE_WEBHOOK_SECRET.length > 0, {
    path: ['STRIPE_WEBHOOK_SECRET'],
    error: 'is needed with STRIPE_SECRET_KEY: no webhook could be believed',
  })
  .superRefine((config, { addIssue }) => {
    for (const account of wholeAccounts) {
      const missing = account.filter((name) => config[name] === undefined);
      if (missing.length === account.length) continue;
      for (const name of missing) addIssue({ code: 'custom', path: [name], message: `is needed with ${account[0]}` });
    }
  });

export type Config = Readonly<z.output<typeof schema>>;

/** What whoever runs the program has to change: a variable, an option, a file. Shown without a stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Reads and checks the environment. Throws `UsageError` with one line a problem. */
export function readConfig(environment: Readonly<Record<string, string | undefined>> = process.env): Config {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = schema.safeParse(given);
  if (parsed.success) return Object.freeze(parsed.data);
  const problems = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new UsageError(`The configuration is not usable:\n${problems.join('\n')}`);
}

/** `.env.example`, so that it says what the schema says: every variable with its default. */
export function exampleEnvironment(): string {
  return Object.entries(variables.shape)
    .map(([name, field]) => `# ${field.description}\n# ${name}=${field.parse(undefined) ?? ''}`)
    .join('\n\n');
}

/** Checked here, for a parser that meets a secret it cannot read quotes it. */
function areEd25519Keys(text: string): boolean {
  try {
    const given = JSON.parse(text);
    const keys: JsonWebKey[] = given.keys ?? [given];
    return (
      keys.length > 0 && keys.every((key) => createPrivateKey({ key, format: 'jwk' }).asymmetricKeyType === 'ed25519')
    );
  } catch {
    return false;
  }
}
