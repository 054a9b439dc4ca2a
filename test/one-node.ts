/** A cluster of one, for tests of what is about something else. */
import { type ClusterView, type Member, viewOf } from '../engine/membership.ts';

const address = { endpoint: 'memory://one', publicKey: 'one#1' };
const one: Member = { nodeId: 'one', incarnation: 'one-1', state: 'serving', address };

/** Owns everything. */
export const oneNode: { readonly nodeId: string; readonly view: ClusterView } = {
  nodeId: 'one',
  view: viewOf([one]),
};
