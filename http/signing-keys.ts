/**
 * The Ed25519 keys of tickets and passes, and their rotation: the first of a set signs, all of them check, so that what
 * was signed before a new key was put in front stays good. A key is dropped when nothing that it signed is in use.
 */
import { type CryptoKey, calculateJwkThumbprint, importJWK, type JWK } from 'jose';

export const algorithm = 'EdDSA';

export interface SigningKeys {
  readonly signing: { readonly kid: string; readonly key: CryptoKey };
  /** Null: not one of ours. */
  checking(kid: string | undefined): CryptoKey | null;
  /** The public halves, as RFC 7517 has them. */
  readonly jwks: { readonly keys: readonly object[] };
}

/** `text`: an Ed25519 private key as a JSON Web Key (RFC 8037), or a set of them, the newest first. Throws otherwise. */
export async function readSigningKeys(text: string): Promise<SigningKeys> {
  const parsed = JSON.parse(text) as JWK | { readonly keys: readonly JWK[] };
  const jwks = 'keys' in parsed ? (parsed.keys as readonly JWK[]) : [parsed as JWK];
  const pairs = await Promise.all(jwks.map(readPair));
  const [newest] = pairs;
  if (!newest) throw new Error('the set of signing keys is empty');
  const checking = new Map(pairs.map(({ kid, publicKey }) => [kid, publicKey]));
  return {
    signing: { kid: newest.kid, key: newest.privateKey },
    checking: (kid) => checking.get(kid ?? '') ?? null,
    jwks: { keys: pairs.map(({ kid, publicJwk }) => ({ ...publicJwk, kid, alg: algorithm, use: 'sig' })) },
  };
}

async function readPair(jwk: JWK) {
  if (jwk.kty !== 'OKP' || jwk.crv !== 'Ed25519' || !jwk.d)
    throw new Error('the ticket key must be an Ed25519 private key as a JWK');
  const { kty, crv, x } = jwk;
  const publicJwk: JWK = { kty, crv, ...(x ? { x } : {}) };
  const [kid, privateKey, publicKey] = await Promise.all([
    calculateJwkThumbprint(publicJwk),
    importJWK(jwk, algorithm) as Promise<CryptoKey>,
    importJWK(publicJwk, algorithm) as Promise<CryptoKey>,
  ]);
  return { kid, privateKey, publicKey, publicJwk };
}
