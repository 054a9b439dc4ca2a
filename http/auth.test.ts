import { createHmac, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { type AccessTokens, createAccessTokens, signAccessToken } from './auth.ts';

const secret = 'a secret of thirty-two bytes or more';
const key = new TextEncoder().encode(secret);
const userId = randomUUID();
let nowMs: number;
let tokens: AccessTokens;

beforeEach(() => {
  nowMs = Date.parse('2026-11-21T10:00:00Z');
  tokens = createAccessTokens({
    secret,
    clock: { now: () => nowMs },
    ids: { next: () => randomUUID() },
    rememberedMax: 4,
  });
});

/** A token that is right in everything, before a test changes something. */
function draft(claims: Record<string, unknown> = {}, header: Record<string, unknown> = { typ: 'at+jwt' }) {
  const seconds = nowMs / 1000;
  return new SignJWT({
    sub: userId,
    jti: 'j1',
    role: 'user',
    iss: 'onsale',
    aud: 'onsale-api',
    iat: seconds,
    exp: seconds + 60,
    ...claims,
  }).setProtectedHeader({ alg: 'HS256', ...header });
}

/** The claims of `draft`, for those that jose would not sign. */
const good = () => ({
  ...{ sub: userId, jti: 'j1', role: 'user', iss: 'onsale', aud: 'onsale-api' },
  ...{ iat: nowMs / 1000, exp: nowMs / 1000 + 60 },
});

/** A token that we signed, whatever it says. */
function signed(payload: string): string {
  const text = `${part({ alg: 'HS256', typ: 'at+jwt' })}.${Buffer.from(payload).toString('base64url')}`;
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a token of ours', () => {
  it('says who calls', async () => {
    const token = await tokens.sign({ id: userId, role: 'organizer' });
    expect(tokens.check(token)).toMatchObject({ id: userId, role: 'organizer' });
  });

  it('is checked once and remembered', async () => {
    const token = await tokens.sign({ id: userId, role: 'user' });
    expect(tokens.check(token)).toBe(tokens.check(token));
  });

  it('is not taken for another that ends like it', async () => {
    const token = await tokens.sign({ id: userId, role: 'user' });
    tokens.check(token);
    const [head, , signature] = token.split('.');
    const claims = part({ sub: userId, jti: 'j', role: 'admin', exp: nowMs / 1000 + 60 });
    expect(tokens.check(`${head}.${claims}.${signature}`)).toBeNull();
  });

  it('is forgotten when it expires, to the millisecond, and then checked each time', async () => {
    const token = await signAccessToken(secret, { id: userId, role: 'user', tokenId: 'j' }, { nowMs, ttlSeconds: 60 });
    const user = tokens.check(token);
    nowMs += 59_999;
    expect(tokens.check(token)).toBe(user);
    nowMs += 1;
    expect(tokens.check(token)).toEqual(user);
    expect(tokens.check(token)).not.toBe(user);
    nowMs += 5_000;
    expect(tokens.check(token)).toBeNull();
  });

  it('is forgotten when many others came since', async () => {
    const first = await tokens.sign({ id: userId, role: 'user' });
    const user = tokens.check(first);
    for (let n = 0; n < 4; n++) tokens.check(await tokens.sign({ id: randomUUID(), role: 'user' }));
    expect(tokens.check(first)).toEqual(user);
    expect(tokens.check(first)).not.toBe(user);
  });

  it('may be from a node whose clock is five seconds off, not more', async () => {
    expect(tokens.check(await draft({ exp: nowMs / 1000 - 4 }).sign(key))).not.toBeNull();
    expect(tokens.check(await draft({ exp: nowMs / 1000 - 6 }).sign(key))).toBeNull();
  });
});

/** Seconds around every border of the check, before or after now; undefined leaves the claim out. */
const border = fc.constantFrom(-6, -5, -4, 0, 4, 5, 6);
const aged = fc.constantFrom(-21_606, -21_605, -21_604, 0, 5, 6).map((iat) => ({ iat }));
const dated = fc.record({ exp: border, nbf: fc.option(border, { nil: undefined }) });

it('takes and refuses what jose takes and refuses', async () => {
  const seen = { taken: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(aged, dated, async ({ iat }, { exp, nbf }) => {
      const seconds = nowMs / 1000;
      const times = { iat: seconds + iat, exp: seconds + exp, ...(nbf === undefined ? {} : { nbf: seconds + nbf }) };
      const token = await draft(times).sign(key);
      const byJose = await jwtVerify(token, key, {
        ...{ algorithms: ['HS256'], typ: 'at+jwt', issuer: 'onsale', audience: 'onsale-api', maxTokenAge: '6h' },
        ...{ requiredClaims: ['exp', 'sub', 'jti'], clockTolerance: 5, currentDate: new Date(nowMs) },
      }).then(
        () => true,
        () => false,
      );
      expect(tokens.check(token) !== null).toBe(byJose);
      seen[byJose ? 'taken' : 'refused']++;
    }),
    { numRuns: 300 },
  );
  expect(Math.min(seen.taken, seen.refused)).toBeGreaterThan(0);
});

describe('refused is a token', () => {
  const header = { alg: 'HS256', typ: 'at+jwt' };
  const cases: readonly (readonly [string, () => Promise<string> | string])[] = [
    ['that is no token', () => 'nonsense'],
    [
      'with alg none',
      () =>
        `${part({ alg: 'none', typ: 'at+jwt' })}.${part({ sub: userId, jti: 'j', role: 'admin', exp: nowMs / 1000 + 60 })}.`,
    ],
    ['signed HS512 with our secret', () => draft({}, { alg: 'HS512', typ: 'at+jwt' }).sign(key)],
    [
      'signed RS256 by somebody',
      async () => draft({}, { alg: 'RS256', typ: 'at+jwt' }).sign((await generateKeyPair('RS256')).privateKey),
    ],
    [
      'signed with another secret',
      () => draft().sign(new TextEncoder().encode('another secret of thirty-two bytes or more')),
    ],
    ['without exp', () => draft({ exp: undefined }).sign(key)],
    ['without sub', () => draft({ sub: undefined }).sign(key)],
    ['without jti', () => draft({ jti: undefined }).sign(key)],
    ['without iat', () => draft({ iat: undefined }).sign(key)],
    ['of another kind', () => draft({}, { typ: 'queue-pass+jwt' }).sign(key)],
    ['without a kind', () => draft({}, {}).sign(key)],
    ['for another audience', () => draft({ aud: 'onsale-queue' }).sign(key)],
    ['of another issuer', () => draft({ iss: 'elsewhere' }).sign(key)],
    ['with an unknown role', () => draft({ role: 'root' }).sign(key)],
    ['whose sub is no id', () => draft({ sub: '*' }).sign(key)],
    ['with an empty jti', () => draft({ jti: '' }).sign(key)],
    ['whose end is a text', () => signed(JSON.stringify({ ...good(), exp: String(nowMs / 1000 + 60) }))],
    ['whose beginning is nothing', () => signed(JSON.stringify({ ...good(), nbf: null }))],
    ['whose end is beyond all numbers', () => signed(JSON.stringify(good()).replace(/"exp":\d+/, '"exp":1e999'))],
    ['that is signed and says nothing', () => signed('null')],
    ['that is signed and cannot be read', () => signed('{"sub":')],
    [
      'that was made long ago and never ends',
      () => draft({ iat: nowMs / 1000 - 7 * 3_600, exp: nowMs / 1000 + 60 }).sign(key),
    ],
    ['from the future', () => draft({ iat: nowMs / 1000 + 600, nbf: nowMs / 1000 + 600 }).sign(key)],
    [
      'whose claims were altered',
      async () => {
        const [head, claims, signature] = (await draft().sign(key)).split('.');
        const altered = { ...JSON.parse(Buffer.from(claims ?? '', 'base64url').toString()), role: 'admin' };
        return `${head}.${part(altered)}.${signature}`;
      },
    ],
    [
      'that names its own key',
      () => {
        const own = `${part({ ...header, jwk: { kty: 'oct', k: 'AAAA' }, kid: '../../dev/null' })}.${part({ sub: userId })}`;
        return `${own}.${createHmac('sha256', Buffer.from('AAAA', 'base64url')).update(own).digest('base64url')}`;
      },
    ],
  ];

  it.each(cases)('%s', async (_what, make) => {
    const token = await make();
    expect(tokens.check(token)).toBeNull();
    expect(tokens.check(token)).toBeNull();
  });

  it('and the right one is taken', async () => {
    expect(tokens.check(await draft().sign(key))).not.toBeNull();
    expect(tokens.check(signed(JSON.stringify(good())))).not.toBeNull();
  });
});

it('refuses a secret of fewer than 32 bytes', () => {
  const short = { secret: 'x'.repeat(31), clock: { now: () => 0 }, ids: { next: () => '' } };
  expect(() => createAccessTokens(short)).toThrow('31 bytes');
});
