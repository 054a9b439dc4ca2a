import { generateKeyPairSync } from 'node:crypto';
import {
  CompactSign,
  compactVerify,
  createLocalJWKSet,
  type FlattenedJWSInput,
  importJWK,
  type JSONWebKeySet,
  type JWK,
} from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Ticket } from '../engine/reads.ts';
import { readSigningKeys, type SigningKeys } from './signing-keys.ts';
import { createTicketSeal, type TicketSeal } from './ticket-seal.ts';

const newKey = () => generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }) as JWK;
const key = newKey();
const ticket: Ticket = {
  code: '0198000000007000800000000000000a',
  bookingId: 'b',
  eventId: 'e',
  zoneId: 'z',
  number: 2,
  issuedAtMs: 1_795_000_000_000,
};

let keys: SigningKeys;
let seal: TicketSeal;
beforeAll(async () => {
  keys = await readSigningKeys(JSON.stringify(key));
  seal = createTicketSeal(keys);
});

/** Signed by somebody, with any header. */
async function signed(by: JWK, header: object): Promise<string> {
  return new CompactSign(Buffer.from(JSON.stringify({ code: ticket.code })))
    .setProtectedHeader({ alg: 'EdDSA', ...header })
    .sign(await importJWK(by, 'EdDSA'));
}

describe('a sealed ticket', () => {
  it('can be checked with the public keys alone, and says which seat it is', async () => {
    const publicKeys = createLocalJWKSet(keys.jwks as JSONWebKeySet);
    const { payload } = await compactVerify(await seal.seal(ticket), (header, token) =>
      publicKeys(header, token as FlattenedJWSInput),
    );
    const { code } = ticket;
    expect(JSON.parse(Buffer.from(payload).toString())).toEqual({
      ...{ code, event_id: 'e', zone_id: 'z', booking_id: 'b', number: 2 },
    });
  });

  it('is opened by who sealed it', async () => {
    expect(await seal.open(await seal.seal(ticket))).toBe(ticket.code);
  });

  it('is the same text each time: a reprint is not another ticket', async () => {
    expect(await seal.seal(ticket)).toBe(await seal.seal(ticket));
  });
});

describe('a text that is not opened', () => {
  const typ = 'onsale-ticket+jws';
  it.each([
    ['of another key', () => signed(newKey(), { typ })],
    ['of another kind, though signed with our key', () => signed(key, { typ: 'queue-pass+jwt' })],
    ['of no kind', () => signed(key, {})],
    [
      'that was changed',
      async () => (await seal.seal(ticket)).replace(/\.(.)/, (_, first) => `.${first === 'e' ? 'f' : 'e'}`),
    ],
    ['without a signature', async () => `${(await seal.seal(ticket)).split('.', 2).join('.')}.`],
    ['of no form', async () => 'AAAA'],
    ['that is empty', async () => ''],
  ])('is one %s', async (_, text) => {
    expect(await seal.open(await text())).toBeNull();
  });

  it('is one that says it needs no signature', async () => {
    const [, payload] = (await seal.seal(ticket)).split('.');
    const header = Buffer.from(JSON.stringify({ alg: 'none', typ })).toString('base64url');
    expect(await seal.open(`${header}.${payload}.`)).toBeNull();
  });
});

it('publishes no private part of its key', () => {
  expect(keys.jwks.keys).toEqual([
    { kty: 'OKP', crv: 'Ed25519', x: key.x, alg: 'EdDSA', use: 'sig', kid: expect.stringMatching(/^[\w-]{43}$/) },
  ]);
});

it('is made of an Ed25519 private key only', async () => {
  const { d: _, ...publicKey } = key;
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  const x25519 = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  for (const other of [publicKey, rsa, x25519, {}])
    await expect(readSigningKeys(JSON.stringify(other))).rejects.toThrow('must be an Ed25519 private key');
  await expect(readSigningKeys('not json')).rejects.toThrow();
});
