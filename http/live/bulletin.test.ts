import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../test/buyer.ts';
import { calm, startLiveEdge } from '../../test/live-edge.ts';
import { visitLive } from '../../test/live-visitor.ts';
import { Bulletin } from './bulletin.ts';

function typeOf({ message }: Bulletin): string {
  return JSON.parse(Buffer.from(message ?? []).toString()).type;
}

describe('what there is to tell', () => {
  it('says what has changed until all have heard of it', () => {
    const bulletin = new Bulletin('an event');
    bulletin.post(calm, false);
    const paused = { ...calm, mode: 'paused' } as const;
    const said = [
      [paused, false],
      [paused, true],
      [calm, true],
      [calm, true],
      [calm, false],
    ] as const;
    const types = said.map(([news, isGoingRound]) => {
      bulletin.post(news, isGoingRound);
      return typeOf(bulletin);
    });
    expect(types).toEqual(['paused', 'paused', 'opened', 'opened', 'position']);
  });
});

describe('an audience', () => {
  it('is told to a part of them at a time, and at once when it cannot wait', async () => {
    const inParts = await startLiveEdge({ parts: 2 });
    const come = async () => {
      const id = randomUUID();
      const token = (await inParts.bearer('user', id)).slice('Bearer '.length);
      const visitor = await visitLive({ url: inParts.url, eventId: inParts.eventId, token });
      await visitor.hears('welcome');
      return visitor;
    };
    const both = [await come(), await come()];
    const heard = () => both.map(({ told }) => told.filter(({ type }) => type === 'position').length);
    for (let n = 1; n <= 4; n++) {
      inParts.tick({ waiting: n });
      await eventually(() => expect(heard().reduce((one, other) => one + other)).toBe(n));
    }
    inParts.tick({ mode: 'paused' });
    for (const visitor of both) await visitor.hears('paused');
    expect(heard()).toEqual([2, 2]);
    await inParts.stop();
  });
});
