/** A request to the API as the person who is logged in, with patience: the way every page asks for everything. */
import { accessToken, tokenRefused } from '../session/session.ts';
import { patiently } from './patience.ts';
import { type Answer, refused } from './refusal.ts';
import { type Request, send } from './wire.ts';

/** Asks for what everybody may see. Rejects only when `signal` ends it. */
export async function askOpenly<Value>(path: string, signal?: AbortSignal): Promise<Answer<Value>> {
  const { answer } = await patiently(() => send<Value>({ method: 'GET', path }, null, signal), signal);
  return answer;
}

/** Asks as the person; `UNAUTHORIZED` when nobody is logged in any more. Rejects only when `signal` ends it. */
export async function ask<Value>(request: Request, signal?: AbortSignal): Promise<Answer<Value>> {
  const first = await asked<Value>(request, signal);
  if (first.ok || first.refusal.code !== 'UNAUTHORIZED') return first;
  return asked<Value>(request, signal);
}

async function asked<Value>(request: Request, signal?: AbortSignal): Promise<Answer<Value>> {
  const token = await accessToken();
  if (token === null) return refused('UNAUTHORIZED');
  const { status, answer } = await patiently(() => send<Value>(request, token, signal), signal);
  if (status === 401) tokenRefused(token);
  return answer;
}
