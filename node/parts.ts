/** What a node is put together from before its actors live: opened first, closed last. */
import type { Mesh } from '../engine/mesh.ts';
import type { Providers } from '../engine/payment.ts';
import type { World } from '../engine/ports.ts';
import type { KafkaEventLog } from '../persistence/kafka/event-log.ts';
import type { NodeStores } from '../persistence/node-stores.ts';
import type { Metrics } from '../telemetry.ts';

export interface Parts {
  readonly world: World;
  readonly metrics: Metrics;
  readonly stores: NodeStores;
  /** This node's name in its cluster. */
  readonly nodeId: string;
  readonly mesh: Mesh;
  /** Null: events stay in the process. */
  readonly eventLog: KafkaEventLog | null;
  readonly providers: Providers;
  /** Where browsers and providers reach this node; known once it listens. */
  readonly publicUrl: () => string;
}
