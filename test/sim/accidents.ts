/** What happens to stores and actors during a simulated sale, besides lost answers. Each some times, by chance. */
import { digest, userIdOf } from './buyers.ts';
import { holdTtlMs, maxPerUser, type Sale } from './stage.ts';

/** `crash.armed`: the next actor that looks throws. */
export function haveAccidents(sale: Sale, crash: { armed: boolean }, withinMs: number): void {
  const { world, gate, tally } = sale;
  const accidents: Readonly<Record<string, () => unknown>> = {
    'gate forgets': () => gate.forget(),
    'gate restarts': () => gate.restart(),
    'gate rolls back': () => {
      const rollBack = gate.save();
      world.later(100 * world.random.next(), 'gate is as it was', rollBack);
    },
    'event rebuilt by another node': () => rebuild(sale),
    'zone taken by another node': () => take(sale),
    'actor crashes': () => {
      crash.armed = true;
    },
  };
  for (const [name, happen] of Object.entries(accidents)) {
    const times = Math.floor(4 * world.random.next());
    for (let time = 0; time < times; time++)
      world.later(withinMs * world.random.next(), name, () => {
        tally.add(name);
        // Another node whose call is lost gives up.
        Promise.resolve(happen()).catch(() => {});
      });
  }
}

function rebuild({ ledger, gate, eventId }: Sale): Promise<void> {
  return ledger.rebuild(
    eventId,
    async () => false,
    (snapshot) => gate.rebuild(snapshot),
  );
}

/** Another node owns a zone for a moment, and makes a booking if it finds gate and ledger level. */
async function take(sale: Sale): Promise<void> {
  const { world, ledger, gate, zoneIds, tally } = sale;
  const zoneId = zoneIds[Math.floor(2 * world.random.next())] as string;
  const userId = userIdOf(Math.floor(5 * world.random.next()));
  const acquired = await ledger.acquire(zoneId);
  const found = acquired && (await gate.acquire(acquired.lease));
  if (!acquired || !found?.ok || found.version !== acquired.version) return;
  const { lease, version, terms } = acquired;
  const bookingId = world.ids.next();
  const nowMs = world.clock.now();
  const command = {
    kind: 'reserve' as const,
    bookingId,
    userId,
    key: digest(bookingId),
    fingerprint: digest('elsewhere'),
    quantity: 1,
    expiresAtMs: nowMs + holdTtlMs,
  };
  const batch = { lease, version, batchId: world.ids.next(), settled: [], maxPerUser, nowMs, commands: [command] };
  const answer = await gate.apply(batch);
  if (!answer.ok || answer.answers[0]?.result !== 'applied') return;
  const committed = await ledger.commit({ lease, version, terms, nowMs, made: [command], moved: [] });
  tally.add(`batch of another node: ${committed}`);
}
