import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { keptSecrets } from './kept-secrets.ts';

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'onsale-secrets-')), 'data');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

it('makes secrets once, and reads them again ever after', () => {
  const made = keptSecrets(folder);
  expect(keptSecrets(folder)).toEqual(made);
  expect(readdirSync(folder)).toEqual(['secrets.json']);
});

it('makes others in another folder', () => {
  const [here, there] = [keptSecrets(folder), keptSecrets(join(folder, '..', 'other'))];
  for (const name of Object.keys(here) as (keyof typeof here)[]) expect(here[name]).not.toBe(there[name]);
});

it('makes what their users need: a long token secret, an Ed25519 key, keys of test mode', () => {
  const { jwtSecret, ticketKey, sandboxSecretKey, sandboxWebhookSecret } = keptSecrets(folder);
  expect(Buffer.byteLength(jwtSecret)).toBeGreaterThanOrEqual(32);
  expect(createPrivateKey({ key: JSON.parse(ticketKey), format: 'jwk' }).asymmetricKeyType).toBe('ed25519');
  expect(sandboxSecretKey).toMatch(/^sk_test_[0-9a-f]{48}$/);
  expect(sandboxWebhookSecret).toMatch(/^whsec_[0-9a-f]{48}$/);
});

it('lets nobody else read them', () => {
  keptSecrets(folder);
  expect(statSync(join(folder, 'secrets.json')).mode & 0o077).toBe(0);
});

it('replaces what a kill in the middle of writing left', () => {
  keptSecrets(folder);
  rmSync(join(folder, 'secrets.json'));
  writeFileSync(join(folder, 'secrets.json.new'), '{"jwtSecret":');
  expect(keptSecrets(folder).jwtSecret).toHaveLength(64);
});

it('does not make new ones in place of a file that it cannot read: all tokens and tickets would be void', () => {
  keptSecrets(folder);
  writeFileSync(join(folder, 'secrets.json'), '{"jwtSecret":');
  expect(() => keptSecrets(folder)).toThrow();
});
