/** What an operator may have a node do: take up a saga or a dead letter again, and audit. */
import { resume } from '../actors/booking-requests.ts';
import { audit } from '../auditor.ts';
import type { AuditReport } from '../engine/audit.ts';
import type { DomainEvent } from '../engine/events.ts';
import { type DeadLetter, stuckStep } from '../engine/operator.ts';
import { accept, type Outcome, reject } from '../engine/outcome.ts';
import type { Step } from '../engine/saga-events.ts';
import { readCharges } from '../providers/sandbox/charges.ts';
import type { RunningTree } from './actors.ts';
import type { NodeOptions } from './node.ts';
import { isPlayed } from './providers.ts';

export function operatorDeps(options: NodeOptions, tree: RunningTree) {
  const audits = new Map<string | null, Promise<AuditReport>>();
  return {
    cluster: () => tree.cluster.report(),
    drainNode: (nodeId: string) => tree.cluster.drainNode(nodeId),
    resumeSaga: (bookingId: string) => resume(tree.bookings.find(bookingId)),
    replayDeadLetter: (letter: DeadLetter) => replay(tree, letter),
    audit(eventId: string | null): Promise<AuditReport> {
      const running = audits.get(eventId) ?? auditNow(options, eventId).finally(() => audits.delete(eventId));
      audits.set(eventId, running);
      return running;
    },
  };
}

async function replay(tree: RunningTree, { topic, consumer: name, key, event }: DeadLetter): Promise<Outcome<null>> {
  if (topic === stuckStep.topic && name === stuckStep.consumer) {
    // The saga itself says when it has got on; what was given up is begun again.
    resume(tree.bookings.find(key), (JSON.parse(event) as { step: Step }).step);
    return accept(null);
  }
  const consumer = tree.consumers.find((each) => each.name === name && each.topic === topic);
  if (!consumer) return reject('INVALID_STATE', undefined, `nobody called ${name} reads ${topic} on this node`);
  return consumer.handle([JSON.parse(event) as DomainEvent]);
}

/** The sandbox shows what it charged; a provider's own list is not ours to read through with every audit. */
function auditNow(
  { databaseUrl, redisUrl, config, payments }: NodeOptions,
  eventId: string | null,
): Promise<AuditReport> {
  const sandboxUrl = isPlayed(config) ? payments.stripe?.apiBase : undefined;
  const readSandbox = sandboxUrl ? () => readCharges(sandboxUrl) : null;
  return audit({ databaseUrl, redisUrl, readCharges: readSandbox, acked: [], eventId, settled: false });
}
