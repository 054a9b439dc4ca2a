/** What a node is put together from before its actors live: opened first, closed last. */
import type { PaymentProvider } from '../engine/payment.ts';
import type { World } from '../engine/ports.ts';
import type { NodeStores } from '../persistence/node-stores.ts';
import type { Metrics } from '../telemetry.ts';

export interface Parts {
  readonly world: World;
  readonly metrics: Metrics;
  readonly stores: NodeStores;
  readonly provider: PaymentProvider;
}
