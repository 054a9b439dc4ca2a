/** The server is killed with many waiting: how long until people are told their places again, and are they the same. */
import { Agent, request } from 'node:http';
import type { Part } from './part.ts';
import { openRoomServer, type RoomServer } from './room-server.ts';

/** As the specification says, the start of the process included. */
const aimMs = 5_000;
/** Requests under way at a time. */
const atOnce = 64;

export const restart: Part = {
  summary: 'kill -9 with --waiting people: the time until places are told again, and everybody at theirs',
  async run({ program, settings, waiting, print }) {
    const room = await openRoomServer({ program, settings, users: waiting, seats: 10_000 });
    try {
      const people = room.fixture.users.map(({ token }) => token);
      const before = await placesOf(room, people, 'join');
      await room.server.kill();
      const killedMs = performance.now();
      const startMs = await room.server.start();
      await ask(room, people.at(-1) ?? '', 'look');
      const backMs = performance.now() - killedMs;
      const after = await placesOf(room, people, 'look');
      const moved = before.filter((place, index) => place !== after[index]).length;
      return {
        observations: [
          {
            what: `first place told after kill -9 with ${waiting} waiting`,
            value: `${(backMs / 1_000).toFixed(2)} s (ready after ${(startMs / 1_000).toFixed(2)} s)`,
            aim: { text: 'below 5 s', met: backMs < aimMs },
          },
          { what: 'at their places', value: `${before.length - moved} of ${before.length}` },
        ],
        broken: [...(moved > 0 ? [`${moved} people are not at their places`] : []), ...(await room.check(print))],
      };
    } finally {
      await room.close();
    }
  },
};

/** By person: their place, or that they are admitted. */
async function placesOf(
  room: RoomServer,
  tokens: readonly string[],
  how: 'join' | 'look',
): Promise<readonly unknown[]> {
  const places: unknown[] = [];
  for (let at = 0; at < tokens.length; at += atOnce)
    places.push(...(await Promise.all(tokens.slice(at, at + atOnce).map((token) => ask(room, token, how)))));
  return places;
}

const agent = new Agent({ keepAlive: true, maxSockets: atOnce });

function ask({ server, fixture }: RoomServer, token: string, how: 'join' | 'look'): Promise<unknown> {
  const body = JSON.stringify({ event_id: fixture.event_id });
  const path = how === 'join' ? '/api/v1/queue/join' : `/api/v1/queue/position/${fixture.event_id}`;
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const sent = request(
      `${server.baseUrl}${path}`,
      { agent, method: how === 'join' ? 'POST' : 'GET', headers },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        answer.on('end', () => {
          const { data } = JSON.parse(text);
          if (data?.status) resolve(data.place ?? data.status);
          else reject(new Error(`${path}: ${text}`));
        });
      },
    );
    sent.on('error', reject);
    sent.end(how === 'join' ? body : undefined);
  });
}
