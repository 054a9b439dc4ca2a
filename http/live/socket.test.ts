import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../test/buyer.ts';
import { calm, type LiveEdge, startLiveEdge } from '../../test/live-edge.ts';
import { type LiveVisitor, streamLive, visitLive } from '../../test/live-visitor.ts';

const ours = 'https://tickets.example';
const userId = randomUUID();
let edge: LiveEdge;

beforeEach(async () => {
  edge = await startLiveEdge({ perClient: { userMax: 3, addressMax: 60 } }, [ours]);
});
afterEach(async () => edge.stop());

const tokenOf = async (id: string) => (await edge.bearer('user', id)).slice('Bearer '.length);

async function visit(more: Partial<Parameters<typeof visitLive>[0]> = {}, id = userId): Promise<LiveVisitor> {
  return visitLive({ url: edge.url, eventId: edge.eventId, token: await tokenOf(id), ...more });
}

async function welcomed(more: Partial<Parameters<typeof visitLive>[0]> = {}, id = userId): Promise<LiveVisitor> {
  const visitor = await visit(more, id);
  await visitor.hears('welcome');
  return visitor;
}

describe('a handshake', () => {
  it.each(['https://evil.example', 'null', `${ours}.evil.example`, 'http://tickets.example'])(
    'is refused to pages of %s, whatever token they have',
    async (origin) => {
      await expect(visit({ headers: { origin } })).rejects.toThrow('refused: 403');
      expect(edge.counted('socket')).toBe(0);
    },
  );

  it('is taken from our own pages, from those that may call the API, and from what is no browser', async () => {
    await welcomed();
    await welcomed({ headers: { origin: ours } });
    await welcomed({ headers: { origin: edge.url } });
  });

  it('needs the protocol, an event and a good token', async () => {
    await expect(visit({ protocols: ['onsale.v9'] })).rejects.toThrow('refused: 400');
    await expect(visit({ eventId: 'x' })).rejects.toThrow('refused: 400');
    await expect(visit({ token: 'made.up.token' })).rejects.toThrow('refused: 401');
    await expect(visit({ token: `${await tokenOf(userId)}x` })).rejects.toThrow('refused: 401');
  });

  it('takes the token from the header too', async () => {
    const authorization = await edge.bearer('user', userId);
    const visitor = await visitLive({ url: edge.url, eventId: edge.eventId, headers: { authorization } });
    await visitor.hears('welcome');
  });
});

describe('a token in the first message', () => {
  const stranger = () => visitLive({ url: edge.url, eventId: edge.eventId });

  it('opens the room', async () => {
    const visitor = await stranger();
    visitor.say({ type: 'hello', token: await tokenOf(userId) });
    expect(await visitor.hears('welcome')).toMatchObject({ status: 'absent' });
  });

  it('comes before anything else, and is a good one', async () => {
    const hasty = await stranger();
    hasty.say({ type: 'position' });
    expect(await hasty.ended).toBe(4401);
    const forger = await stranger();
    forger.say({ type: 'hello', token: 'made.up.token' });
    expect(await forger.ended).toBe(4401);
    expect(edge.asked('look')).toBe(0);
  });

  it('does not make an open connection somebody else’s', async () => {
    const visitor = await welcomed();
    visitor.say({ type: 'hello', token: await tokenOf(randomUUID()) });
    expect(await visitor.ended).toBe(4400);
  });
});

describe('what a client sends', () => {
  it.each([
    ['no JSON', '{"type":'],
    ['an unknown type', '{"type":"admit_me"}'],
    ['an unknown field', '{"type":"join","place":1}'],
    ['no object', '[]'],
  ])('ends the connection when it is %s', async (_what, text) => {
    const visitor = await welcomed();
    visitor.say(text);
    expect(await visitor.hears('goodbye')).toMatchObject({ why: 'malformed', reconnect_after_ms: null });
    expect(await visitor.ended).toBe(4400);
    expect(edge.asked('join')).toBe(0);
  });

  it('ends it when it is too large', async () => {
    const visitor = await welcomed();
    visitor.say(JSON.stringify({ type: 'join', access_code: 'x'.repeat(5_000) }));
    expect(await visitor.ended).toBe(1006);
    await eventually(() => expect(edge.counted('socket')).toBe(0));
  });

  it('ends it when it is too much', async () => {
    const visitor = await welcomed();
    for (let n = 0; n < 100; n++) visitor.say({ type: 'position' });
    expect(await visitor.ended).toBe(4429);
    expect(edge.asked('look')).toBeLessThan(30);
  });

  it('is a ping that is answered', async () => {
    const visitor = await welcomed();
    visitor.say({ type: 'ping' });
    await visitor.hears('pong');
  });
});

describe('what everybody is told', () => {
  it('is made once, however many listen', async () => {
    const crowd = await Promise.all(Array.from({ length: 50 }, () => welcomed({}, randomUUID())));
    let made = 0;
    const lines = {
      get regular() {
        made++;
        return { head: 1, tail: 2, gone: [1] };
      },
      priority: { head: 0, tail: 0, gone: [] },
    };
    edge.tick({ lines, waiting: 7 });
    await Promise.all(crowd.map((one) => one.hears('position', ({ waiting }) => waiting === 7)));
    expect(made).toBe(1);
  });

  it('names what has just changed', async () => {
    const visitor = await welcomed();
    edge.tick();
    for (const [news, type] of [
      [{ mode: 'paused' }, 'paused'],
      [{ mode: 'open' }, 'opened'],
      [{ soldOut: true }, 'sold_out'],
      [{ mode: 'drain' }, 'closed'],
    ] as const) {
      edge.tick(news);
      expect(await visitor.hears(type)).toMatchObject(news.mode ? { mode: news.mode } : { sold_out: true });
    }
  });
});

it('those in the lobby are told their new place when the sale starts', async () => {
  const startMs = calm.atMs + 5_000;
  const kept = { token: 'x', joinedAtMs: calm.atMs, keptUntilMs: startMs, estimate: null };
  edge.standing = { stage: 'waiting', line: 'lobby', place: 9, position: null, ...kept };
  const visitor = await visit();
  expect(await visitor.hears('welcome')).toMatchObject({ status: 'lobby', position: null });
  edge.tick({ saleStartMs: startMs }, 1_000);
  await visitor.hears('position');
  expect(edge.asked('look')).toBe(1);
  // The room shuffles a moment after it has told that the time has come.
  edge.tick({ saleStartMs: startMs }, 4_000);
  await visitor.hears('place', ({ status }) => status === 'lobby');
  edge.standing = { stage: 'waiting', line: 'regular', place: 3, position: 3, ...kept };
  edge.tick();
  expect(await visitor.hears('place')).toMatchObject({ status: 'waiting', place: 3, position: 3 });
  edge.tick({ waiting: 4 });
  await visitor.hears('position', ({ waiting }) => waiting === 4);
  expect(edge.asked('look')).toBe(3);
});

describe('a client that is not there', () => {
  it('is found out when it answers no ping', async () => {
    const gone = await welcomed({ answersPings: false });
    const there = await welcomed({}, randomUUID());
    for (let n = 0; n < 5; n++) {
      edge.tick({ waiting: n + 1 }, 15_000);
      await there.hears('position', ({ waiting }) => waiting === n + 1);
      // A pong is under way when the message that came after its ping is there; see that it is counted.
      there.say({ type: 'ping' });
      await there.hears('pong');
      if (edge.farewells.length > 0) break;
    }
    expect(await gone.ended).toBe(4408);
    expect(edge.farewells).toEqual(['silent']);
    expect(edge.counted('socket')).toBe(1);
  });

  it('is sent away when it never reads, and nothing piles up for it meanwhile', async () => {
    const deaf = await welcomed();
    const there = await welcomed({}, randomUUID());
    deaf.socket.pause();
    const large = { head: 0, tail: 9_999_999, gone: Array.from({ length: 2_000 }, () => 1_000_000) };
    const lines = { priority: large, regular: large };
    for (let n = 1; edge.counted('socket') === 2 && n < 5_000; n++) {
      edge.tick({ lines, waiting: n }, 100);
      await there.hears('position', ({ waiting }) => waiting === n);
    }
    await eventually(() => expect(edge.counted('socket')).toBe(1));
    deaf.socket.terminate();
  });

  it('makes room for the connection that replaces it, of the same user only', async () => {
    const first = await visit();
    const { resume } = await first.hears('welcome');
    const thief = await visit({ protocols: ['onsale.v1', `resume.${resume}`] }, randomUUID());
    expect(await thief.hears('welcome')).toMatchObject({ resumed: false });
    const second = await visit({ protocols: ['onsale.v1', `resume.${resume}`] });
    expect(await second.hears('welcome')).toMatchObject({ resumed: true });
    expect(await first.ended).toBe(4409);
  });
});

describe('the room', () => {
  it('hears who is there and who is not, also when it had no time at first', async () => {
    const first = await welcomed();
    edge.busy = true;
    const refused = await visit();
    expect(await refused.hears('goodbye')).toMatchObject({ why: 'unavailable' });
    edge.busy = false;
    expect([edge.asked('connected'), edge.asked('disconnected')]).toEqual([1, 0]);
    edge.busy = true;
    first.leave();
    await eventually(() => expect(edge.counted('socket')).toBe(0));
    expect(edge.asked('disconnected')).toBe(0);
    edge.busy = false;
    await eventually(() => expect(edge.asked('disconnected')).toBe(1));
    expect(edge.listeners.size).toBe(0);
  });
});

describe('a join that the room has no time for', () => {
  it('is refused with the time after which it may be sent again', async () => {
    const visitor = await welcomed();
    edge.busy = true;
    visitor.say({ type: 'join' });
    const error = { code: 'SERVICE_UNAVAILABLE', message: 'busy', details: {} };
    expect(await visitor.hears('refused')).toEqual({ type: 'refused', request: 'join', error, retry_after_seconds: 1 });
    edge.busy = false;
    visitor.say({ type: 'join' });
    await eventually(() => expect(edge.asked('join')).toBe(1));
  });

  it('is refused over HTTP with Retry-After', async () => {
    edge.busy = true;
    const answer = await fetch(`${edge.url}/api/v1/queue/join`, {
      method: 'POST',
      headers: { Authorization: await edge.bearer('user', userId), 'Content-Type': 'application/json' },
      body: JSON.stringify({ event_id: edge.eventId }),
    });
    expect([answer.status, answer.headers.get('Retry-After')]).toEqual([503, '1']);
    expect(await answer.json()).toMatchObject({ error: { code: 'SERVICE_UNAVAILABLE' } });
  });
});

describe('too many connections', () => {
  it('of one user are refused, and those of others are not', async () => {
    for (let n = 0; n < 3; n++) await welcomed();
    const fourth = await visit();
    expect(await fourth.ended).toBe(4429);
    const token = await tokenOf(userId);
    await expect(streamLive({ url: edge.url, eventId: edge.eventId, token })).rejects.toThrow('refused: 429');
    await welcomed({}, randomUUID());
  });

  it('altogether are refused, whatever they are', async () => {
    const own = await startLiveEdge({ connectionsMax: 1 });
    const token = (await own.bearer()).slice('Bearer '.length);
    const to = { url: own.url, eventId: own.eventId, token };
    const stream = await streamLive(to);
    await expect(visitLive(to)).rejects.toThrow('refused: 503');
    stream.leave();
    await eventually(() => expect(own.counted('stream')).toBe(0));
    await visitLive(to);
    await own.stop();
  });
});

it('a server that stops says when to come back', async () => {
  const crowd = await Promise.all(Array.from({ length: 20 }, () => welcomed({}, randomUUID())));
  const token = await tokenOf(userId);
  const stream = await streamLive({ url: edge.url, eventId: edge.eventId, token });
  const goodbyes = crowd.map((one) => one.hears('goodbye'));
  const codes = crowd.map((one) => one.ended);
  await edge.stop();
  const waits = (await Promise.all(goodbyes)).map((message) => message.reconnect_after_ms as number);
  expect(new Set(await Promise.all(codes))).toEqual(new Set([1012]));
  expect(new Set(waits).size).toBeGreaterThan(10);
  await stream.ended;
  expect(stream.told.at(-1)).toMatchObject({ type: 'goodbye', why: 'restart' });
  edge = await startLiveEdge();
});
