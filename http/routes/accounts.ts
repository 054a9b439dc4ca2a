/** Registration, login and sessions. Answers never tell whether an e-mail has an account, except to who registers it. */
import { hash } from 'node:crypto';
import { z } from 'zod';
import { accountView, sessionView, viewAccount, viewSession } from '../account-view.ts';
import { overLimit } from '../limits.ts';
import { passwordBytesMax } from '../passwords.ts';
import { defineRoute, type Route } from '../route.ts';

const area = 'Accounts';
const base = '/api/v1/auth';

/** The same person whatever the keyboard: trimmed, lower case, composed. */
const email = z
  .string()
  .max(254)
  .transform((text) => text.trim().normalize('NFC').toLowerCase())
  .pipe(z.email());

const password = z
  .string()
  .refine((text) => Buffer.byteLength(text) <= passwordBytesMax, `must not be longer than ${passwordBytesMax} bytes`);
const newPassword = password.refine((text) => [...text].length >= 8, 'must have at least 8 characters');
const name = z.string().trim().min(1).max(100);
const refreshToken = z.string().min(1).max(100);

const register = defineRoute({
  method: 'POST',
  path: `${base}/register`,
  area,
  summary: 'Make an account and log in',
  who: 'anyone',
  limit: 'register',
  body: z.strictObject({ email, password: newPassword, name }),
  answers: { 201: sessionView },
  refusals: ['CONFLICT'],
  async handle(call, { passwords, accounts, sessions, ids }) {
    const hashed = await passwords.hash(call.body.password);
    if (!hashed.ok) return call.refuse(hashed.rejection);
    const created = await accounts.create({
      id: ids.next(),
      email: call.body.email,
      name: call.body.name,
      role: 'user',
      passwordHash: hashed.value,
    });
    if (!created.ok) return call.refuse(created.rejection);
    call.reply(201, viewSession(await sessions.open(created.value)));
  },
});

const login = defineRoute({
  method: 'POST',
  path: `${base}/login`,
  area,
  summary: 'Log in',
  who: 'anyone',
  limit: 'login',
  body: z.strictObject({ email, password }),
  answers: { 200: sessionView },
  refusals: ['UNAUTHORIZED'],
  async handle(call, { passwords, accounts, sessions, limits }) {
    const tried = hash('sha256', call.body.email, 'base64url');
    const limited = limits && (await overLimit(limits, 'login_account', tried, false));
    if (limited) return call.refuse(limited.rejection, limited.headers);
    const account = await accounts.findByEmail(call.body.email);
    const matches = await passwords.matches(call.body.password, account?.passwordHash ?? null);
    if (!matches.ok) return call.refuse(matches.rejection);
    if (account === null || !matches.value) {
      return call.refuse({ code: 'UNAUTHORIZED', message: 'e-mail or password is wrong' });
    }
    call.reply(200, viewSession(await sessions.open(account)));
  },
});

const refresh = defineRoute({
  method: 'POST',
  path: `${base}/refresh`,
  area,
  summary: 'Exchange a refresh token for its successor and a new access token',
  who: 'anyone',
  limit: 'general',
  body: z.strictObject({ refresh_token: refreshToken }),
  answers: { 200: sessionView },
  refusals: ['UNAUTHORIZED'],
  async handle(call, { sessions, logger }) {
    const refreshed = await sessions.refresh(call.body.refresh_token);
    if (typeof refreshed === 'object') return call.reply(200, viewSession(refreshed));
    if (refreshed === 'reused') logger.warn({ request_id: call.requestId }, 'a used refresh token came again');
    call.refuse({ code: 'UNAUTHORIZED', message: 'the session has ended: log in again' });
  },
});

const logout = defineRoute({
  method: 'POST',
  path: `${base}/logout`,
  area,
  summary: 'End the session of a refresh token; without one, all sessions of the user',
  who: 'user',
  limit: 'general',
  body: z.strictObject({ refresh_token: refreshToken.optional() }),
  answers: { 200: z.object({}) },
  async handle(call, { sessions }) {
    await sessions.close(call.user.id, call.body.refresh_token ?? null);
    call.reply(200, {});
  },
});

const readMe = defineRoute({
  method: 'GET',
  path: `${base}/me`,
  area,
  summary: 'Who am I',
  who: 'user',
  limit: 'general',
  answers: { 200: accountView },
  async handle(call, { accounts }) {
    const account = await accounts.find(call.user.id);
    if (account) call.reply(200, viewAccount(account));
    else call.refuse({ code: 'UNAUTHORIZED' });
  },
});

const changeMe = defineRoute({
  method: 'PUT',
  path: `${base}/me`,
  area,
  summary: 'Change my name',
  who: 'user',
  limit: 'general',
  body: z.strictObject({ name }),
  answers: { 200: accountView },
  async handle(call, { accounts }) {
    const account = await accounts.rename(call.user.id, call.body.name);
    if (account) call.reply(200, viewAccount(account));
    else call.refuse({ code: 'UNAUTHORIZED' });
  },
});

export const accountRoutes: readonly Route[] = [register, login, refresh, logout, readMe, changeMe];
