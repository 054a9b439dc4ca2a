/** The adapter against an API that misbehaves. How it behaves when all is well is tested with the sandbox. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ProviderRefused, ProviderUnavailable } from '../../engine/payment.ts';
import { createStripeProvider } from './stripe.ts';

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function providerAgainst(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  timeoutMs = 30_000,
) {
  server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return createStripeProvider({
    secretKey: 'sk_test_1',
    webhookSecrets: [],
    apiBase: `http://127.0.0.1:${port}`,
    timeoutMs,
  });
}

function answering(status: number, body: unknown) {
  return (request: IncomingMessage, response: ServerResponse) => {
    request.resume();
    response.writeHead(status, { 'Content-Type': 'application/json', 'Request-Id': 'req_1' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

const failure = (type: string, code?: string) => ({ error: { type, code, message: 'no' } });
const refund = { intentId: 'pi_1', amountMinor: 100, idempotencyKey: 'booking:1:refund:1' };
const order = {
  bookingId: 'b-1',
  eventId: 'e-1',
  paymentId: 'p-1',
  amountMinor: 300_000,
  currency: 'THB',
  idempotencyKey: 'booking:1:pay:1',
  requestedAtMs: 0,
  payBeforeMs: 600_000,
};

describe('no answer to rely on: it may have happened', () => {
  test.each([
    [500, failure('api_error')],
    [503, failure('api_error')],
    [429, failure('invalid_request_error', 'rate_limit')],
    [400, failure('invalid_request_error', 'rate_limit')],
    [409, failure('idempotency_error', 'idempotency_key_in_use')],
    [424, failure('api_error')],
    [200, '<html>a proxy, not Stripe</html>'],
    [502, '<html>bad gateway</html>'],
    [500, {}],
    [200, {}],
    [502, []],
    [502, { id: 'of a proxy' }],
  ])('%i %j', async (status, body) => {
    const provider = await providerAgainst(answering(status, body));
    await expect(provider.openIntent(order)).rejects.toThrow(ProviderUnavailable);
    await expect(provider.readIntent('pi_1')).rejects.toThrow(ProviderUnavailable);
    await expect(provider.cancelIntent('pi_1')).rejects.toThrow(ProviderUnavailable);
    await expect(provider.refund(refund)).rejects.toThrow(ProviderUnavailable);
  });

  test('it opened an intent that nobody can pay', async () => {
    const provider = await providerAgainst(answering(200, { id: 'pi_1', object: 'payment_intent' }));
    await expect(provider.openIntent(order)).rejects.toThrow('without a client secret');
  });

  test('it hangs', async () => {
    const provider = await providerAgainst((request) => request.resume(), 100);
    await expect(provider.refund(refund)).rejects.toThrow(ProviderUnavailable);
  });

  test('it hangs in the middle of the answer', async () => {
    const provider = await providerAgainst((_request, response) => response.write('{"id":'), 100);
    await expect(provider.refund(refund)).rejects.toThrow(ProviderUnavailable);
  });

  test('it closes the connection: the SDK asks once more, with the same key', async () => {
    const keys: unknown[] = [];
    const provider = await providerAgainst((request) => {
      keys.push(request.headers['idempotency-key']);
      request.socket.destroy();
    });
    await expect(provider.refund(refund)).rejects.toThrow(ProviderUnavailable);
    expect(keys).toEqual(['booking:1:refund:1', 'booking:1:refund:1']);
  });

  test('nobody listens', async () => {
    const provider = createStripeProvider({
      secretKey: 'sk_test_1',
      webhookSecrets: [],
      apiBase: 'http://127.0.0.1:1',
      timeoutMs: 200,
    });
    await expect(provider.openIntent(order)).rejects.toThrow(ProviderUnavailable);
  });
});

describe('an answer: it will never happen', () => {
  test.each([
    [400, failure('invalid_request_error', 'parameter_invalid_integer')],
    [400, failure('idempotency_error')],
    [401, failure('invalid_request_error')],
    [402, failure('card_error', 'card_declined')],
    [403, failure('invalid_request_error')],
    [404, failure('invalid_request_error', 'resource_missing')],
  ])('%i %j', async (status, body) => {
    const provider = await providerAgainst(answering(status, body));
    await expect(provider.openIntent(order)).rejects.toThrow(ProviderRefused);
    await expect(provider.readIntent('pi_1')).rejects.toThrow(ProviderRefused);
    await expect(provider.cancelIntent('pi_1')).rejects.toThrow(ProviderRefused);
    await expect(provider.refund(refund)).rejects.toThrow(ProviderRefused);
  });

  test('a refund that failed at the bank', async () => {
    const body = { id: 're_1', object: 'refund', status: 'failed', failure_reason: 'lost_or_stolen_card' };
    const provider = await providerAgainst(answering(200, body));
    await expect(provider.refund(refund)).rejects.toThrow(/re_1 failed.*lost_or_stolen_card/);
  });

  test('a currency whose amounts mean something else at Stripe is never sent', async () => {
    const provider = await providerAgainst(answering(500, failure('api_error')));
    await expect(provider.openIntent({ ...order, currency: 'ISK' })).rejects.toThrow(ProviderRefused);
  });
});

describe('what travels', () => {
  test('the request: our key, metadata and version, one try, no telemetry', async () => {
    const requests: { headers: IncomingMessage['headers']; body: string }[] = [];
    const provider = await providerAgainst((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => {
        requests.push({ headers: request.headers, body });
        answering(200, { id: 'pi_1', client_secret: 'pi_1_secret_1' })(request, response);
      });
    });
    await provider.openIntent(order);
    await provider.openIntent(order);
    expect(requests).toHaveLength(2);
    expect(requests[1]?.headers).toMatchObject({
      'idempotency-key': 'booking:1:pay:1',
      'stripe-version': '2026-10-28.endive',
      authorization: 'Bearer sk_test_1',
    });
    expect(requests[1]?.headers).not.toHaveProperty('x-stripe-client-telemetry');
    expect(Object.fromEntries(new URLSearchParams(requests[0]?.body))).toEqual({
      amount: '300000',
      currency: 'thb',
      'allowed_payment_method_types[0]': 'card',
      'metadata[booking_id]': 'b-1',
      'metadata[event_id]': 'e-1',
      'metadata[payment_id]': 'p-1',
    });
  });

  test('a failure tells where to look, and no client secret', async () => {
    const error = { ...failure('invalid_request_error', 'payment_intent_unexpected_state').error };
    const body = { error: { ...error, payment_intent: { id: 'pi_1', client_secret: 'pi_1_secret_1' } } };
    const provider = await providerAgainst(answering(400, body));
    const thrown: unknown = await provider.refund(refund).catch((caught: unknown) => caught);
    expect(thrown).toMatchObject({ message: 'stripe: no (payment_intent_unexpected_state 400 req_1)' });
    expect(JSON.stringify(thrown, Object.getOwnPropertyNames(thrown))).not.toContain('_secret_');
  });

  test('a live key never in the clear', () => {
    const options = { secretKey: 'sk_live_1', webhookSecrets: [], apiBase: 'http://127.0.0.1:1', timeoutMs: 200 };
    expect(() => createStripeProvider(options)).toThrow(/plain http/);
  });
});
