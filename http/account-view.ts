/** Accounts and sessions as the API shows them. */
import { z } from 'zod';
import type { Account } from '../engine/accounts.ts';

export const accountView = z.object({
  id: z.uuid(),
  email: z.string(),
  name: z.string(),
  role: z.enum(['user', 'organizer', 'admin']),
});

export const sessionView = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  expires_in: z.int().describe('Seconds until the access token expires'),
  user: accountView,
});

interface Opened {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresInSeconds: number;
  readonly account: Account;
}

export function viewAccount({ id, email, name, role }: Account): z.input<typeof accountView> {
  return { id, email, name, role };
}

export function viewSession(opened: Opened): z.input<typeof sessionView> {
  return {
    access_token: opened.accessToken,
    refresh_token: opened.refreshToken,
    expires_in: opened.expiresInSeconds,
    user: viewAccount(opened.account),
  };
}
