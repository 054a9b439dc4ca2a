import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAccounts } from '../../persistence/postgres/accounts.ts';
import { openPool } from '../../persistence/postgres/pool.ts';
import { refusal, startEdge, type TestEdge, testSecret } from '../../test/edge.ts';
import { openDatabase } from '../../test/stores.ts';
import { createAccessTokens } from '../auth.ts';
import { createPasswords } from '../passwords.ts';
import { createSessions } from '../sessions.ts';
import { accountRoutes } from './accounts.ts';

let database: Awaited<ReturnType<typeof openDatabase>>;
let pool: pg.Pool;
let edge: TestEdge;
let nowMs = Date.parse('2026-11-21T10:00:00Z');

beforeAll(async () => {
  database = await openDatabase();
  pool = openPool({ databaseUrl: database.url, connectionsMax: 8, statementTimeoutMs: 5_000, failed: () => {} });
  const clock = { now: () => nowMs };
  const ids = { next: () => randomUUID() };
  const accounts = createAccounts(pool);
  const tokens = createAccessTokens({ secret: testSecret, clock, ids });
  const sessions = createSessions({ accounts, tokens, secret: testSecret, clock, ids });
  edge = await startEdge(accountRoutes, {
    accounts,
    tokens,
    sessions,
    clock,
    ids,
    passwords: createPasswords({ cost: 4 }),
  });
});
afterAll(async () => {
  await edge.stop();
  await pool.end();
  await database.drop();
});

interface Session {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
  readonly user: { readonly id: string; readonly email: string; readonly name: string; readonly role: string };
}

async function call(method: string, path: string, body?: unknown, token?: string) {
  const answer = await edge.ask(`/api/v1/auth/${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, text, body: JSON.parse(text) };
}

const password = 'correct horse 8';
const freshEmail = () => `${randomUUID()}@demo.test`;

async function registered(email = freshEmail()): Promise<Session> {
  const { status, body } = await call('POST', 'register', { email, password, name: 'Ann' });
  expect(status).toBe(201);
  return body.data;
}

async function refreshed(refresh_token: string): Promise<Session | 401> {
  const { status, body } = await call('POST', 'refresh', { refresh_token });
  if (status === 200) return body.data;
  expect({ status, body }).toEqual({ status: 401, body: refusal('UNAUTHORIZED') });
  return 401;
}

async function mustRefresh(refresh_token: string): Promise<Session> {
  const session = await refreshed(refresh_token);
  if (session === 401) throw new Error('expected a session');
  return session;
}

describe('registering', () => {
  it('makes a user who is logged in', async () => {
    const session = await registered('Ann@Demo.Test ');
    expect(session).toEqual({
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      expires_in: 900,
      user: { id: expect.any(String), email: 'ann@demo.test', name: 'Ann', role: 'user' },
    });
    const me = await call('GET', 'me', undefined, session.access_token);
    expect(me.body.data).toEqual(session.user);
  });

  it('is refused for an e-mail that is taken, however it is written', async () => {
    await registered('bob@demo.test');
    const again = await call('POST', 'register', { email: ' BOB@demo.test', password, name: 'Bob' });
    expect(again).toMatchObject({ status: 409, body: refusal('CONFLICT') });
  });

  it('is won by exactly one of many who want the same e-mail', async () => {
    const email = freshEmail();
    const all = await Promise.all(
      Array.from({ length: 8 }, () => call('POST', 'register', { email, password, name: 'Ann' })),
    );
    expect(all.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)]);
  });

  it.each([
    ['no e-mail', { email: 'nobody' }, 'email'],
    ['seven characters', { password: '1234567' }, 'password'],
    ['73 bytes', { password: 'x'.repeat(73) }, 'password'],
    ['73 bytes in fewer characters', { password: `${'é'.repeat(36)}x` }, 'password'],
    ['NUL in the password', { password: 'long enough\0 for all' }, 'body'],
    ['NUL in the name', { name: 'Ann\0' }, 'body'],
    ['no name', { name: ' ' }, 'name'],
    ['a role of one’s own', { role: 'admin' }, 'role'],
    ['an id of one’s own', { id: randomUUID() }, 'id'],
  ])('is refused with %s', async (_what, change, field) => {
    const { status, body } = await call('POST', 'register', { email: freshEmail(), password, name: 'Ann', ...change });
    expect(status).toBe(400);
    expect(body.error.details).toEqual({ [field]: expect.any(String) });
  });

  it('takes 72 bytes, and all of them count', async () => {
    const email = freshEmail();
    const long = `${'x'.repeat(71)}y`;
    expect((await call('POST', 'register', { email, password: long, name: 'Ann' })).status).toBe(201);
    expect((await call('POST', 'login', { email, password: long })).status).toBe(200);
    expect((await call('POST', 'login', { email, password: 'x'.repeat(72) })).status).toBe(401);
  });

  it('keeps neither password nor refresh token in the database', async () => {
    const session = await registered();
    const { rows } = await pool.query(
      'select u.*, t.* from users u join refresh_tokens t on t.user_id = u.id where u.id = $1',
      [session.user.id],
    );
    expect(rows).toHaveLength(1);
    const stored = JSON.stringify(rows);
    expect(stored).not.toContain(password);
    expect(stored).not.toContain(session.refresh_token);
    expect(rows[0].password_hash).toMatch(/^\$2b\$04\$/);
  });
});

describe('logging in', () => {
  it('gives a session of its own each time', async () => {
    const { user, refresh_token } = await registered();
    const { status, body } = await call('POST', 'login', { email: user.email.toUpperCase(), password });
    expect(status).toBe(200);
    expect(body.data.user).toEqual(user);
    expect(body.data.refresh_token).not.toBe(refresh_token);
  });

  it('answers a wrong password and an unknown e-mail with the same bytes', async () => {
    const { user } = await registered();
    const wrong = await call('POST', 'login', { email: user.email, password: 'wrong password' });
    const unknown = await call('POST', 'login', { email: freshEmail(), password: 'wrong password' });
    expect(wrong.status).toBe(401);
    expect(unknown).toEqual(wrong);
  });
});

describe('refreshing', () => {
  let first: Session;
  beforeEach(async () => {
    first = await registered();
  });
  const familySize = async () =>
    (await pool.query('select 1 from refresh_tokens where user_id = $1', [first.user.id])).rowCount;

  it('gives new tokens that work', async () => {
    const second = await mustRefresh(first.refresh_token);
    expect(second.user).toEqual(first.user);
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect((await call('GET', 'me', undefined, second.access_token)).status).toBe(200);
    expect(await refreshed(second.refresh_token)).toMatchObject({ user: first.user });
  });

  it('again within ten seconds gives the same successor', async () => {
    const second = await mustRefresh(first.refresh_token);
    nowMs += 9_999;
    expect((await mustRefresh(first.refresh_token)).refresh_token).toBe(second.refresh_token);
    expect(await familySize()).toBe(2);
  });

  it('many times at once gives everybody the one successor', async () => {
    const all = await Promise.all(Array.from({ length: 10 }, () => mustRefresh(first.refresh_token)));
    expect(new Set(all.map((session) => session.refresh_token)).size).toBe(1);
    expect(await familySize()).toBe(2);
  });

  it('with a used token after ten seconds ends the session for everybody, and is on record', async () => {
    const second = await mustRefresh(first.refresh_token);
    nowMs += 10_000;
    expect(await refreshed(first.refresh_token)).toBe(401);
    expect(await refreshed(second.refresh_token)).toBe(401);
    const { rows } = await pool.query('select action from audit_logs where actor_id = $1', [first.user.id]);
    expect(rows).toEqual([{ action: 'session.token_reused' }]);
    expect(edge.logged.at(-1)?.msg).toBe('a used refresh token came again');
  });

  it('of one session leaves the other sessions alone when it is revoked', async () => {
    const { body } = await call('POST', 'login', { email: first.user.email, password });
    await mustRefresh(first.refresh_token);
    nowMs += 10_000;
    expect(await refreshed(first.refresh_token)).toBe(401);
    expect(await refreshed(body.data.refresh_token)).not.toBe(401);
  });

  it('cannot be raced past a revocation: a successor made meanwhile is dead too', async () => {
    const second = await mustRefresh(first.refresh_token);
    nowMs += 10_000;
    const [, third] = await Promise.all([refreshed(first.refresh_token), refreshed(second.refresh_token)]);
    if (third !== 401) expect(await refreshed(third.refresh_token)).toBe(401);
    expect(await refreshed(second.refresh_token)).toBe(401);
  });

  it('ends seven days after the login, however often it was done', async () => {
    let session = first;
    for (let day = 0; day < 6; day++) {
      nowMs += 24 * 3_600_000;
      session = await mustRefresh(session.refresh_token);
    }
    nowMs += 24 * 3_600_000 - 1;
    session = await mustRefresh(session.refresh_token);
    nowMs += 1;
    expect(await refreshed(session.refresh_token)).toBe(401);
  });

  it.each(['', 'nonsense', 'x'.repeat(43)])('is refused for %j', async (token) => {
    expect((await call('POST', 'refresh', { refresh_token: token })).status).toBe(token === '' ? 400 : 401);
  });

  it('is refused for an access token', async () => {
    expect((await call('POST', 'refresh', { refresh_token: first.access_token })).status).toBe(400);
  });
});

describe('logging out', () => {
  it('ends one session', async () => {
    const first = await registered();
    const { body } = await call('POST', 'login', { email: first.user.email, password });
    const second: Session = body.data;
    // Named by a token that has been followed already: the session is what ends.
    const next = await mustRefresh(first.refresh_token);
    expect((await call('POST', 'logout', { refresh_token: first.refresh_token }, first.access_token)).status).toBe(200);
    expect(await refreshed(next.refresh_token)).toBe(401);
    expect(await refreshed(second.refresh_token)).not.toBe(401);
  });

  it('without a token ends all sessions of the user', async () => {
    const first = await registered();
    const { body } = await call('POST', 'login', { email: first.user.email, password });
    expect((await call('POST', 'logout', undefined, first.access_token)).status).toBe(200);
    expect(await refreshed(first.refresh_token)).toBe(401);
    expect(await refreshed(body.data.refresh_token)).toBe(401);
  });

  it('does nothing to the session of somebody else', async () => {
    const mine = await registered();
    const other = await registered();
    await call('POST', 'logout', { refresh_token: other.refresh_token }, mine.access_token);
    expect(await refreshed(other.refresh_token)).not.toBe(401);
  });
});

describe('me', () => {
  it('can change my name, and nothing else', async () => {
    const { access_token, user } = await registered();
    const changed = await call('PUT', 'me', { name: ' Ann B. ' }, access_token);
    expect(changed.body.data).toEqual({ ...user, name: 'Ann B.' });
    expect((await call('PUT', 'me', { name: 'X', role: 'admin' }, access_token)).status).toBe(400);
    expect((await call('GET', 'me', undefined, access_token)).body.data).toEqual({ ...user, name: 'Ann B.' });
  });

  it('is nobody when the account is gone', async () => {
    const token = (await edge.bearer()).slice('Bearer '.length);
    expect((await call('GET', 'me', undefined, token)).status).toBe(401);
    expect((await call('PUT', 'me', { name: 'X' }, token)).status).toBe(401);
  });
});
