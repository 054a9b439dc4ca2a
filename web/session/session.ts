/**
 * Who is logged in. The access token stays in this tab's memory; the refresh token is in localStorage, so that a reload and a second
 * tab are the same person (docs/adr says why not elsewhere). Tabs that refresh at one moment get the same
 * successor from the API, so they need no agreement among themselves.
 */
import { patiently } from '../api/patience.ts';
import type { Answer } from '../api/refusal.ts';
import type { Account, SessionShape } from '../api/shapes.ts';
import { send } from '../api/wire.ts';
import { observed } from '../observed.ts';

interface Kept {
  readonly refreshToken: string;
  readonly account: Account;
}

const storageKey = 'onsale session';
/** A token that ends while its request is on the way would be refused. */
const reserveMs = 30_000;

/** Null: nobody is logged in. */
export const account = observed<Account | null>(readKept()?.account ?? null);

let access: { readonly token: string; readonly untilMs: number; readonly of: string } | null = null;
let refreshing: Promise<string | null> | null = null;

function readKept(): Kept | null {
  try {
    return JSON.parse(localStorage.getItem(storageKey) ?? 'null');
  } catch {
    return null;
  }
}

/** A token that is good for a while; null when nobody is logged in any more. */
export async function accessToken(): Promise<string | null> {
  const kept = readKept();
  if (kept === null) return null;
  if (access !== null && access.of === kept.account.id && performance.now() < access.untilMs - reserveMs)
    return access.token;
  refreshing ??= refresh(kept).finally(() => {
    refreshing = null;
  });
  return refreshing;
}

/** The API refused this token: the next call gets another. */
export function tokenRefused(token: string): void {
  if (access?.token === token) access = null;
}

async function refresh(kept: Kept): Promise<string | null> {
  const body = { refresh_token: kept.refreshToken };
  const { answer } = await patiently(() => send<SessionShape>({ method: 'POST', path: '/auth/refresh', body }, null));
  if (answer.ok) return begin(answer.value);
  // Another tab may have been faster, or have logged in anew; its tokens are the good ones then.
  const now = readKept();
  if (now !== null && now.refreshToken !== kept.refreshToken) return refresh(now);
  forget();
  return null;
}

function begin(session: SessionShape): string {
  access = {
    token: session.access_token,
    untilMs: performance.now() + session.expires_in * 1_000,
    of: session.user.id,
  };
  localStorage.setItem(
    storageKey,
    JSON.stringify({ refreshToken: session.refresh_token, account: session.user } satisfies Kept),
  );
  account.set(session.user);
  return session.access_token;
}

function forget(): void {
  access = null;
  localStorage.removeItem(storageKey);
  account.set(null);
}

interface Credentials {
  readonly email: string;
  readonly password: string;
}

export function logIn(credentials: Credentials): Promise<Answer<SessionShape>> {
  return enter('/auth/login', credentials);
}

export function register(person: Credentials & { readonly name: string }): Promise<Answer<SessionShape>> {
  return enter('/auth/register', person);
}

async function enter(path: string, body: object): Promise<Answer<SessionShape>> {
  const { answer } = await patiently(() => send<SessionShape>({ method: 'POST', path, body }, null));
  if (answer.ok) begin(answer.value);
  return answer;
}

/** Ends the session here and at the API; here also when the API does not answer. */
export async function logOut(): Promise<void> {
  const kept = readKept();
  const token = await accessToken();
  forget();
  sessionStorage.clear();
  if (kept === null || token === null) return;
  await send(
    { method: 'POST', path: '/auth/logout', body: { refresh_token: readKept()?.refreshToken ?? kept.refreshToken } },
    token,
  );
}

/** Logging in or out in one tab does so in all. */
export function followOtherTabs(): void {
  addEventListener('storage', ({ key }) => {
    if (key === null || key === storageKey) account.set(readKept()?.account ?? null);
  });
}
