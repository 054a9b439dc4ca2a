import { realWorld } from '../../world.ts';
import { createMeshNetwork } from '../mesh-in-memory.ts';
import { describeMesh } from './mesh.ts';

describeMesh('in memory', async () => {
  const network = createMeshNetwork(realWorld());
  return {
    open: async (nodeId) => network.join(nodeId),
    cut: network.cut,
    close: async () => {},
  };
});
