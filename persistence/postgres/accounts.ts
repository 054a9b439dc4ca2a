/**
 * Accounts and sessions as rows. A family of refresh tokens is revoked at its first token, whose row every rotation
 * locks: a successor that is being made while its family is revoked cannot slip through.
 */
import type pg from 'pg';
import type { Account, Accounts, Credentials, Role, Rotated, Rotation, SessionToken } from '../../engine/accounts.ts';
import { accept, reject } from '../../engine/outcome.ts';

interface AccountRow extends pg.QueryResultRow {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
}

interface PresentedRow extends AccountRow {
  readonly token_id: string;
  readonly family_id: string;
  readonly is_revoked: boolean;
  readonly expires_at_ms: string;
  readonly used_at_ms: string | null;
}

export function createAccounts(pool: pg.Pool): Accounts {
  return {
    create: (account) => create(pool, account),
    async findByEmail(email) {
      const text = 'select id, email, name, role, password_hash from users where lower(email) = $1';
      const { rows } = await pool.query<AccountRow>({ name: 'find_account_by_email', text, values: [email] });
      return rows[0] ? { ...readAccount(rows[0]), passwordHash: rows[0].password_hash } : null;
    },
    async find(userId) {
      const text = 'select id, email, name, role from users where id = $1';
      const { rows } = await pool.query<AccountRow>({ name: 'find_account', text, values: [userId] });
      return rows[0] ? readAccount(rows[0]) : null;
    },
    async rename(userId, name) {
      const text = 'update users set name = $2 where id = $1 returning id, email, name, role';
      const { rows } = await pool.query<AccountRow>({ name: 'rename_account', text, values: [userId, name] });
      return rows[0] ? readAccount(rows[0]) : null;
    },
    openSession: (token) => insertToken(pool, token),
    rotate: (rotation) => rotate(pool, rotation),
    closeSessions: (userId, hash, nowMs) => closeSessions(pool, userId, hash, nowMs),
  };
}

async function create(pool: pg.Pool, account: Credentials) {
  const { id, email, name, role, passwordHash } = account;
  const text = `insert into users (id, email, name, role, password_hash) values ($1, $2, $3, $4, $5)
                on conflict (lower(email)) do nothing returning id, email, name, role`;
  const values = [id, email, name, role, passwordHash];
  const { rows } = await pool.query<AccountRow>({ name: 'create_account', text, values });
  return rows[0] ? accept(readAccount(rows[0])) : reject('CONFLICT', { email: 'is taken' });
}

async function insertToken(client: pg.Pool | pg.PoolClient, token: SessionToken): Promise<void> {
  const text = `insert into refresh_tokens (id, family_id, user_id, token_hash, created_at, expires_at)
                values ($1, $2, $3, $4, to_timestamp($5 / 1000.0), to_timestamp($6 / 1000.0))`;
  const { id, familyId, userId, hash, createdAtMs, expiresAtMs } = token;
  const values = [id, familyId, userId, hash, createdAtMs, expiresAtMs];
  await client.query({ name: 'insert_refresh_token', text, values });
}

async function rotate(pool: pg.Pool, rotation: Rotation): Promise<Rotated> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const rotated = await rotateLocked(client, rotation);
    await client.query('commit');
    client.release();
    return rotated;
  } catch (error) {
    // Ends the connection and with it the transaction, in whatever state it is.
    client.release(true);
    throw error;
  }
}

async function rotateLocked(client: pg.PoolClient, rotation: Rotation): Promise<Rotated> {
  const { presentedHash, successorId, successorHash, nowMs, graceMs } = rotation;
  const presented = await lockPresented(client, presentedHash);
  if (presented === null || presented.is_revoked || nowMs >= Number(presented.expires_at_ms))
    return { kind: 'refused' };
  const account = readAccount(presented);
  if (presented.used_at_ms === null) {
    await markUsed(client, presented.token_id, successorId, nowMs);
    await insertToken(client, {
      id: successorId,
      familyId: presented.family_id,
      userId: account.id,
      hash: successorHash,
      createdAtMs: nowMs,
      expiresAtMs: Number(presented.expires_at_ms),
    });
    return { kind: 'rotated', account };
  }
  if (nowMs < Number(presented.used_at_ms) + graceMs) return { kind: 'rotated', account };
  await revokeReused(client, presented, nowMs);
  return { kind: 'reused' };
}

async function lockPresented(client: pg.PoolClient, hash: Uint8Array): Promise<PresentedRow | null> {
  const text = `
    select u.id, u.email, u.name, u.role, t.id as token_id, t.family_id, first.revoked_at is not null as is_revoked,
      (extract(epoch from t.expires_at) * 1000)::bigint as expires_at_ms,
      (extract(epoch from t.used_at) * 1000)::bigint as used_at_ms
    from refresh_tokens t join refresh_tokens first on first.id = t.family_id join users u on u.id = t.user_id
    where t.token_hash = $1 for update of t, first`;
  const { rows } = await client.query<PresentedRow>({ name: 'lock_refresh_token', text, values: [hash] });
  return rows[0] ?? null;
}

async function markUsed(client: pg.PoolClient, tokenId: string, successorId: string, nowMs: number): Promise<void> {
  const text = 'update refresh_tokens set used_at = to_timestamp($3 / 1000.0), successor_id = $2 where id = $1';
  await client.query({ name: 'use_refresh_token', text, values: [tokenId, successorId, nowMs] });
}

/** Somebody else has had the token: nobody keeps the session, and an operator can see why. */
async function revokeReused(client: pg.PoolClient, presented: PresentedRow, nowMs: number): Promise<void> {
  const text = `
    with revoked as (update refresh_tokens set revoked_at = to_timestamp($3 / 1000.0) where id = $1 returning id)
    insert into audit_logs (id, actor_id, action, subject)
    select gen_random_uuid(), $2, 'session.token_reused', 'session ' || id from revoked`;
  await client.query({ name: 'revoke_reused_session', text, values: [presented.family_id, presented.id, nowMs] });
}

async function closeSessions(pool: pg.Pool, userId: string, hash: Uint8Array | null, nowMs: number): Promise<void> {
  const text = `
    update refresh_tokens set revoked_at = to_timestamp($3 / 1000.0)
    where user_id = $1 and id = family_id and revoked_at is null
      and ($2::bytea is null or id = (select family_id from refresh_tokens where token_hash = $2))`;
  await pool.query({ name: 'close_sessions', text, values: [userId, hash, nowMs] });
}

function readAccount({ id, email, name, role }: AccountRow): Account {
  return { id, email, name, role };
}
