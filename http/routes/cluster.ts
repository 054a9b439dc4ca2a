/** The cluster as operators see it: who is in it, what runs where, and having a node hand everything over. */
import { z } from 'zod';
import { defineRoute, type Route } from '../route.ts';

const area = 'Operators';

const cluster = defineRoute({
  method: 'GET',
  path: '/api/v1/admin/cluster',
  area,
  summary: 'The nodes of the cluster as this one sees them, and what runs on each',
  who: 'admin',
  limit: 'general',
  answers: {
    200: z.object({
      node_id: z.string().describe('who answers'),
      nodes: z.array(
        z.object({
          node_id: z.string(),
          state: z.enum(['serving', 'leaving']),
          answers: z.boolean().describe('false: it did not say what runs on it'),
          zones: z.array(
            z.object({ zone_id: z.uuid(), epoch: z.int().nullable().describe('null while it is being taken over') }),
          ),
          rooms: z.array(z.uuid()).describe('events whose waiting room runs there'),
          sagas: z.int(),
        }),
      ),
    }),
  },
  async handle(call, { cluster: look }) {
    const { nodeId, nodes } = await look();
    call.reply(200, {
      node_id: nodeId,
      nodes: nodes.map(({ nodeId: id, state, report }) => ({
        node_id: id,
        state,
        answers: report !== null,
        zones: (report?.zones ?? []).map(({ id: zone_id, epoch }) => ({ zone_id, epoch })),
        rooms: [...(report?.rooms ?? [])],
        sagas: report?.sagas ?? 0,
      })),
    });
  },
});

const drain = defineRoute({
  method: 'POST',
  path: '/api/v1/admin/nodes/:id/drain',
  area,
  summary:
    'Have a node hand over what runs on it; answered when that is done. It goes on to pass requests on until it is stopped',
  who: 'admin',
  limit: 'general',
  params: z.object({ id: z.string().min(1).max(100) }),
  answers: { 200: z.object({ node_id: z.string() }) },
  refusals: ['NOT_FOUND', 'SERVICE_UNAVAILABLE'],
  async handle(call, { drainNode, logger }) {
    const { id } = call.params;
    const outcome = await drainNode(id);
    if (!outcome.ok) {
      call.refuse(outcome.rejection);
      return;
    }
    logger.info({ node: id, admin: call.user.id }, 'a node was drained');
    call.reply(200, { node_id: id });
  },
});

export const clusterRoutes: readonly Route[] = [cluster, drain];
