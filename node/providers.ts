/** The payment providers that a node has accounts with, from what was configured. */
import type { Config } from '../config.ts';
import type { Providers } from '../engine/payment.ts';
import { createPayosProvider } from '../providers/payos/payos.ts';
import { createStripeProvider } from '../providers/stripe/stripe.ts';
import { createVnpayProvider } from '../providers/vnpay/vnpay.ts';
import { createZalopayProvider } from '../providers/zalopay/zalopay.ts';

/** Shorter than a saga's patience, longer than a provider's bad day. */
const patienceMs = 8_000;

export interface ProviderSurroundings {
  readonly now: () => number;
  /** Where browsers and providers reach this server. */
  readonly publicUrl: () => string;
  /** Silence of a provider after which a call counts as unanswered. @default 8000 */
  readonly timeoutMs?: number;
}

type Base = { readonly apiBase?: string };

/** Our side of what was agreed with each provider; without an account a provider is not offered. */
export interface PaymentAccounts {
  readonly stripe?: Base & { readonly secretKey: string; readonly webhookSecrets: readonly string[] };
  readonly vnpay?: Base & { readonly tmnCode: string; readonly hashSecret: string };
  readonly zalopay?: Base & { readonly appId: number; readonly key1: string; readonly key2: string };
  readonly payos?: Base & { readonly clientId: string; readonly apiKey: string; readonly checksumKey: string };
}

/** Empty when nothing is configured. */
export function configuredAccounts(config: Config): PaymentAccounts {
  const { STRIPE_SECRET_KEY, VNPAY_TMN_CODE, VNPAY_HASH_SECRET } = config;
  const { ZALOPAY_APP_ID, ZALOPAY_KEY1, ZALOPAY_KEY2, PAYOS_CLIENT_ID, PAYOS_API_KEY, PAYOS_CHECKSUM_KEY } = config;
  return {
    ...(STRIPE_SECRET_KEY && {
      stripe: {
        secretKey: STRIPE_SECRET_KEY,
        webhookSecrets: config.STRIPE_WEBHOOK_SECRET,
        ...at(config.STRIPE_API_BASE),
      },
    }),
    ...(VNPAY_TMN_CODE &&
      VNPAY_HASH_SECRET && {
        vnpay: { tmnCode: VNPAY_TMN_CODE, hashSecret: VNPAY_HASH_SECRET, ...at(config.VNPAY_API_BASE) },
      }),
    ...(ZALOPAY_APP_ID &&
      ZALOPAY_KEY1 &&
      ZALOPAY_KEY2 && {
        zalopay: { appId: ZALOPAY_APP_ID, key1: ZALOPAY_KEY1, key2: ZALOPAY_KEY2, ...at(config.ZALOPAY_API_BASE) },
      }),
    ...(PAYOS_CLIENT_ID &&
      PAYOS_API_KEY &&
      PAYOS_CHECKSUM_KEY && {
        payos: {
          clientId: PAYOS_CLIENT_ID,
          apiKey: PAYOS_API_KEY,
          checksumKey: PAYOS_CHECKSUM_KEY,
          ...at(config.PAYOS_API_BASE),
        },
      }),
  };
}

/** Play money and real money are never offered side by side: with one real account, no provider is played. */
export function isPlayed(config: Config): boolean {
  return Object.keys(configuredAccounts(config)).length === 0;
}

const at = (apiBase: string | undefined): Base => (apiBase ? { apiBase } : {});

export function connectProviders(
  { stripe, vnpay, zalopay, payos }: PaymentAccounts,
  { now, publicUrl, timeoutMs = patienceMs }: ProviderSurroundings,
): Providers {
  const common = (name: string) => ({
    timeoutMs,
    now,
    returnUrl: () => `${publicUrl()}/api/v1/payments/return/${name}`,
    callbackUrl: () => `${publicUrl()}/api/v1/webhooks/${name}`,
  });
  return {
    ...(stripe && { stripe: createStripeProvider({ ...stripe, timeoutMs }) }),
    ...(vnpay && { vnpay: createVnpayProvider({ ...vnpay, ...common('vnpay') }) }),
    ...(zalopay && { zalopay: createZalopayProvider({ ...zalopay, ...common('zalopay') }) }),
    ...(payos && { payos: createPayosProvider({ ...payos, ...common('payos') }) }),
  };
}
