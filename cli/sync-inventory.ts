/** `onsale sync-inventory`: makes Redis count the seats as PostgreSQL does, and shows both. */
import type { Inventory, ZoneInventory } from '../engine/operator.ts';

/** The exit code: 0 when gate and truth agree in the end, 1 when not. `eventId` null: wherever they disagree. */
export async function runSyncInventory(
  inventory: Inventory,
  eventId: string | null,
  io: { readonly print: (line: string) => void },
): Promise<number> {
  const rebuilt = await inventory.sync(eventId);
  io.print(rebuilt.length > 0 ? `rebuilt from PostgreSQL: ${rebuilt.join(', ')}` : 'nothing had to be rebuilt');
  const zones = await inventory.status(eventId);
  for (const zone of zones) io.print(lineOf(zone));
  return zones.some(({ gate, agrees }) => gate !== null && !agrees) ? 1 : 0;
}

function lineOf({ zoneId, name, truth, gate, agrees }: ZoneInventory): string {
  const seats = ({ available, held, sold }: ZoneInventory['truth']) => `${available} free, ${held} held, ${sold} sold`;
  const beside = gate ? `Redis ${agrees ? 'agrees' : `has ${seats(gate)}`}` : 'not yet in Redis';
  return `${zoneId}  ${name}: ${seats(truth)}; ${beside}`;
}
