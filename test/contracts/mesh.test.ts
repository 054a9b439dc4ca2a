/** The contract of a mesh (mesh.ts beside this file), in memory and over real sockets. */
import { realWorld } from '../../world.ts';
import { openMeshBench } from '../mesh-bench.ts';
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

describeMesh('of sockets', async () => openMeshBench());
