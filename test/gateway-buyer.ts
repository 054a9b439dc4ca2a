/** A buyer's browser at the play gateways, and the keys that a test's merchant has agreed on with them. */
import type { GatewayKeys } from '../providers/gateways/gateways.ts';

export const gatewayKeys: GatewayKeys = {
  vnpay: { tmnCode: 'TESTTMN1', hashSecret: 'a hash secret of a test' },
  zalopay: { appId: 2554, key1: 'key one of a test', key2: 'key two of a test' },
  payos: { clientId: 'a client', apiKey: 'an api key', checksumKey: 'a checksum key of a test' },
};

/** What a node must be told to trade with the gateways of the sandbox at this address. */
export function gatewayEnvironment(sandboxUrl: string): Readonly<Record<string, string>> {
  const { vnpay, zalopay, payos } = gatewayKeys;
  return {
    VNPAY_TMN_CODE: vnpay.tmnCode,
    VNPAY_HASH_SECRET: vnpay.hashSecret,
    VNPAY_API_BASE: `${sandboxUrl}/vnpay`,
    ZALOPAY_APP_ID: String(zalopay.appId),
    ZALOPAY_KEY1: zalopay.key1,
    ZALOPAY_KEY2: zalopay.key2,
    ZALOPAY_API_BASE: `${sandboxUrl}/zalopay`,
    PAYOS_CLIENT_ID: payos.clientId,
    PAYOS_API_KEY: payos.apiKey,
    PAYOS_CHECKSUM_KEY: payos.checksumKey,
    PAYOS_API_BASE: `${sandboxUrl}/payos`,
  };
}

/** Opens a provider's page and presses a button there. The answer is the address that the browser is sent back to. */
export async function decideAt(pageUrl: string, decision: 'approve' | 'refuse'): Promise<string> {
  const page = await (await fetch(pageUrl)).text();
  const form = /action="([^"]+)"/.exec(page)?.[1];
  if (!form) throw new Error(`there is nothing to decide: ${page.replaceAll(/<[^>]*>/g, ' ')}`);
  const body = new URLSearchParams({ decision });
  const answer = await fetch(form, { method: 'POST', body, redirect: 'manual' });
  return answer.headers.get('location') ?? `nowhere, with ${answer.status}`;
}
