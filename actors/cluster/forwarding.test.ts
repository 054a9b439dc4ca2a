/** What becomes of a request whose owner cannot be asked at once. Moves and hand-overs: test/sim/cluster.test.ts. */
import { beforeEach, describe, expect, it } from 'vitest';
import { viewOf } from '../../engine/membership.ts';
import type { MeshReply } from '../../engine/mesh.ts';
import { accept, type Outcome } from '../../engine/outcome.ts';
import { SimulatedWorld } from '../../test/sim/world.ts';
import { createForwarding } from './forwarding.ts';

const done = accept('done');
const unreachable: MeshReply = { kind: 'refused', reason: 'unreachable' };
let world: SimulatedWorld;
let outcomes: Outcome<unknown>[];
/** What the mesh says to each request; the last of them for ever. */
let replies: MeshReply[];
let asked: number;

/** Asks for a zone that another node owns. */
function send(): void {
  const membership = {
    nodeId: 'here',
    view: viewOf([{ nodeId: 'there', incarnation: '1', state: 'serving', address: { endpoint: '', publicKey: '' } }]),
    refresh: async () => {},
  };
  const request = async () => {
    asked++;
    return (replies.length > 1 ? replies.shift() : replies[0]) as MeshReply;
  };
  const { join } = createForwarding({ world, mesh: { request }, membership, forwarded: () => {} });
  const wire = {
    orderOf: () => ({
      order: 'order',
      deadlineMs: world.clock.now() + 3_000,
      reply: (outcome: Outcome<unknown>) => void outcomes.push(outcome),
    }),
    requestOf: () => 'request',
  };
  const find = () => expect.unreachable('it is not here');
  join('zone', wire, { isHere: () => false, find })('zone').send('request');
}

beforeEach(() => {
  world = new SimulatedWorld(1, 0);
  outcomes = [];
  asked = 0;
});

describe('a request to a node', () => {
  it('that is not heard of yet waits for it', async () => {
    replies = [unreachable, unreachable, { kind: 'answer', value: { outcome: done } }];
    send();
    await world.runUntil(149);
    expect([asked, outcomes]).toEqual([2, []]);
    await world.runUntil(151);
    expect([asked, outcomes]).toEqual([3, [done]]);
  });

  it('that stays away is refused when it could have been missed', async () => {
    replies = [unreachable];
    send();
    await world.runUntil(2_300);
    expect(outcomes).toEqual([]);
    await world.runUntil(2_700);
    expect(outcomes).toMatchObject([{ rejection: { code: 'SERVICE_UNAVAILABLE' } }]);
  });

  it.each<MeshReply>([{ kind: 'unanswered' }, { kind: 'refused', reason: 'overloaded' }])(
    'is not sent again after %o',
    async (reply) => {
      replies = [reply];
      send();
      await world.runUntil(1_000);
      expect([asked, outcomes.length]).toEqual([1, 1]);
    },
  );
});
