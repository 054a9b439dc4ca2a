/**
 * What the contract of a payment provider needs of each: an account at its sandbox, a buyer at its page, and a merchant's
 * server that keeps what was delivered to it, to the byte.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type Intent,
  type IntentRequest,
  type PaymentProvider,
  type ProviderName,
  providerOf,
} from '../../engine/payment.ts';
import { connectProviders } from '../../node/providers.ts';
import { decideAt, gatewayKeys } from '../gateway-buyer.ts';
import { payWithCard } from '../sandbox-buyer.ts';
import { openShop, order, type Shop, secretKey, webhookSecret } from '../sandbox-shop.ts';

/** As our edge hands it to `readNotice`. */
export interface Delivered {
  readonly rawBody: Uint8Array;
  readonly signature: string;
}

export interface ProviderBench {
  readonly provider: PaymentProvider;
  /** The same account with less patience: for answers that get lost. */
  readonly hurried: PaymentProvider;
  readonly shop: Shop;
  readonly delivered: Delivered[];
  request(over?: Partial<IntentRequest>): IntentRequest;
  /** A buyer decides. The address the browser comes back to; null where it stays on our page. */
  decide(intent: Intent, decision: 'approve' | 'refuse'): Promise<string | null>;
  close(): Promise<void>;
}

/** What differs, and why it may. */
export const providerTraits = {
  stripe: {
    refusalEnds: false,
    canVoid: true,
    refunds: true,
    signsReturn: false,
    tellsRefusal: true,
    tellsBooking: true,
  },
  vnpay: {
    refusalEnds: true,
    canVoid: false,
    refunds: true,
    signsReturn: true,
    tellsRefusal: true,
    tellsBooking: true,
  },
  zalopay: {
    refusalEnds: true,
    canVoid: false,
    refunds: true,
    signsReturn: true,
    tellsRefusal: false,
    tellsBooking: true,
  },
  payos: {
    refusalEnds: true,
    canVoid: true,
    refunds: false,
    signsReturn: false,
    tellsRefusal: false,
    tellsBooking: false,
  },
};

const cards = { approve: '4242424242424242', refuse: '4000000000000002' };

export async function openBench(name: ProviderName): Promise<ProviderBench> {
  const merchant = await startMerchant();
  const shop = await openShop({
    webhookUrl: () => `${merchant.url}/stripe`,
    gateways: { keys: gatewayKeys, journalFile: null, merchantUrl: () => merchant.url },
  });
  const { url } = shop.sandbox;
  const { vnpay, zalopay, payos } = gatewayKeys;
  const accounts = {
    stripe: { secretKey, webhookSecrets: [webhookSecret], apiBase: url },
    vnpay: { ...vnpay, apiBase: `${url}/vnpay` },
    zalopay: { ...zalopay, apiBase: `${url}/zalopay` },
    payos: { ...payos, apiBase: `${url}/payos` },
  };
  const surroundings = { now: Date.now, publicUrl: () => merchant.url };
  return {
    provider: providerOf(connectProviders(accounts, surroundings), name),
    hurried: providerOf(connectProviders(accounts, { ...surroundings, timeoutMs: 300 }), name),
    shop,
    delivered: merchant.delivered,
    request: (over) => order({ currency: name === 'stripe' ? 'THB' : 'VND', ...over }),
    async decide({ clientSecret, redirectUrl }, decision) {
      if (redirectUrl) return decideAt(redirectUrl, decision);
      await payWithCard(url, clientSecret ?? '', cards[decision]);
      return null;
    },
    async close() {
      await shop.sandbox.stop();
      await merchant.stop();
    },
  };
}

/** Takes every delivery, in the words of whoever it is from. */
async function startMerchant() {
  const delivered: Delivered[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const query = request.url?.split('?')[1] ?? '';
      const rawBody = request.method === 'GET' ? Buffer.from(query) : Buffer.concat(chunks);
      delivered.push({ rawBody, signature: String(request.headers['stripe-signature'] ?? '') });
      response.end(JSON.stringify({ RspCode: '00', return_code: 1 }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    delivered,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
