/**
 * The accounts of the demo: keys that we and the sandbox share, and where the sandbox plays each provider.
 */
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import type { PaymentAccounts } from '../node/providers.ts';
import type { KeptSecrets } from '../persistence/kept-secrets.ts';
import type { GatewayKeys } from '../providers/gateways/gateways.ts';
import type { SandboxOptions } from '../providers/sandbox/server.ts';

/** `nodeUrl`: null while there is no node to call. */
export function playSandbox(
  { SANDBOX_PORT, ONSALE_DATA_DIR }: Pick<Config, 'SANDBOX_PORT' | 'ONSALE_DATA_DIR'>,
  secrets: KeptSecrets,
  nodeUrl: () => string | null,
) {
  const webhooks = () => {
    const url = nodeUrl();
    return url === null ? null : `${url}/api/v1/webhooks`;
  };
  return {
    port: SANDBOX_PORT,
    journalFile: join(ONSALE_DATA_DIR, 'sandbox.jsonl'),
    secretKey: secrets.sandboxSecretKey,
    webhookSecret: secrets.sandboxWebhookSecret,
    webhookUrl: () => {
      const url = webhooks();
      return url === null ? null : `${url}/stripe`;
    },
    gateways: {
      keys: playKeys(secrets),
      journalFile: join(ONSALE_DATA_DIR, 'sandbox-orders.jsonl'),
      merchantUrl: webhooks,
    },
  } satisfies SandboxOptions;
}

export function playAccounts(secrets: KeptSecrets, sandboxUrl: string): PaymentAccounts {
  const keys = playKeys(secrets);
  return {
    stripe: {
      secretKey: secrets.sandboxSecretKey,
      webhookSecrets: [secrets.sandboxWebhookSecret],
      apiBase: sandboxUrl,
    },
    vnpay: { ...keys.vnpay, apiBase: `${sandboxUrl}/vnpay` },
    zalopay: { ...keys.zalopay, apiBase: `${sandboxUrl}/zalopay` },
    payos: { ...keys.payos, apiBase: `${sandboxUrl}/payos` },
  };
}

/** Derived, so that a data folder from before there were other providers than Stripe needs no new secrets. */
function playKeys({ sandboxWebhookSecret }: KeptSecrets): GatewayKeys {
  const key = (name: string) => createHmac('sha256', sandboxWebhookSecret).update(name).digest('hex');
  return {
    vnpay: { tmnCode: 'ONSALE01', hashSecret: key('vnpay') },
    zalopay: { appId: 2553, key1: key('zalopay 1'), key2: key('zalopay 2') },
    payos: { clientId: 'onsale', apiKey: key('payos api'), checksumKey: key('payos') },
  };
}
