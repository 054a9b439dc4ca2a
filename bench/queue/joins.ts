/** How many people a second a room takes in, each durable before it is answered: as many as polite clients get through. */
import { splitCores } from '../cores.ts';
import type { Load } from '../load/job.ts';
import { measure, openSession } from '../measurement.ts';
import type { Part } from './part.ts';
import { openRoomServer } from './room-server.ts';

/** As the specification says. */
const aimPerSecond = 20_000;

export const joins: Part = {
  summary: 'joins a second, durable',
  async run({ program, settings, joiners, connections, generators, print, ...times }) {
    const cores = splitCores(times['server-cores']);
    const room = await openRoomServer({ program, settings, cores: cores.server, users: joiners, seats: 10_000 });
    const { server, facts, fixtureFile, ackedFile } = room;
    try {
      const load: Load = {
        ...{
          label: 'joins',
          loop: 'closed',
          spacing: 'even',
          herd: null,
          connections,
          timeoutMs: 10_000,
          unsentMs: 10_000,
          seed: 1,
        },
        profile: [{ ratePerSecond: 0, seconds: times['warm-up'] + times.seconds }],
        warmUpSeconds: times['warm-up'],
      };
      const subject = {
        ...{ name: 'onsale', baseUrl: server.baseUrl, fixtureFile, ackedFile, stores: facts },
        processes: { server: server.pid, redis: facts.redisPid, postgres: facts.postgresPid },
        check: () => Promise.reject(new Error('a room is checked by its log')),
        close: async () => {},
      };
      const session = openSession(subject, { program, generators, cores: cores.generators, driver: 'join' });
      const { perSecond, counts, reasons, all, cost, fromSend } = await measure(session, load);
      const micros = (seconds: number | null) => (((seconds ?? 0) * 1e6) / fromSend.count).toFixed(1);
      const { server: node, postgres, generator } = cost.cpuSeconds;
      const met = perSecond.accepted >= aimPerSecond;
      return {
        observations: [
          {
            what: 'joins, durable',
            value: `${Math.round(perSecond.accepted)}/s`,
            aim: { text: `${aimPerSecond}/s`, met },
          },
          { what: 'answered after', value: `P50 ${all.p50.toFixed(1)} ms, P99 ${all.p99.toFixed(1)} ms` },
          {
            what: 'processor time a join',
            value: `server ${micros(node)} µs, PostgreSQL ${micros(postgres)} µs, generator ${micros(generator)} µs`,
          },
        ],
        broken: [
          ...(counts.failed > 0 ? [`${counts.failed} joins failed: ${JSON.stringify(reasons)}`] : []),
          ...(await misjoined(room, session.promised)),
          ...(await room.check(print)),
        ],
      };
    } finally {
      await room.close();
    }
  },
};

/** Everybody who was told a place is in the log, once; others only if their answer may have been lost. */
async function misjoined(
  { logged }: Pick<Awaited<ReturnType<typeof openRoomServer>>, 'logged'>,
  { accepted, unanswered }: { readonly accepted: number; readonly unanswered: number },
): Promise<readonly string[]> {
  const [row] = await logged<{ joins: number; users: number }>(`
    select count(*)::int as joins, count(distinct user_id)::int as users from queue_log
    where event_id = $1 and kind = 'join'`);
  const { joins: written = 0, users = 0 } = row ?? {};
  const isRight = written === users && written >= accepted && written <= accepted + unanswered;
  return isRight
    ? []
    : [`${accepted} joins were promised and ${unanswered} unanswered: the log has ${written} of ${users} users`];
}
