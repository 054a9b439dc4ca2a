/** Secrets that nobody configured: made once at random, kept under the data folder in a file that only its owner reads. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface KeptSecrets {
  /** HS256 key of access tokens. */
  readonly jwtSecret: string;
  /** Ed25519 private key as JSON Web Key text. */
  readonly ticketKey: string;
  readonly sandboxSecretKey: string;
  readonly sandboxWebhookSecret: string;
}

export function keptSecrets(dataDir: string): KeptSecrets {
  const file = join(dataDir, 'secrets.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
  const made: KeptSecrets = {
    jwtSecret: randomBytes(48).toString('base64url'),
    ticketKey: JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })),
    sandboxSecretKey: `sk_test_${randomBytes(24).toString('hex')}`,
    sandboxWebhookSecret: `whsec_${randomBytes(24).toString('hex')}`,
  };
  mkdirSync(dataDir, { recursive: true });
  // Renamed into place, so that a kill in the middle leaves no half a file.
  writeFileSync(`${file}.new`, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return made;
}
