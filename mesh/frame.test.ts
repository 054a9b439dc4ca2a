import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { pack } from 'msgpackr';
import { expect, it } from 'vitest';
import {
  frameBytesMax,
  type Item,
  type Misfit,
  packFrames,
  packHello,
  ticketBytes,
  unpackFrame,
  unpackHello,
} from './frame.ts';

const noMisfit = (misfit: Misfit) => expect.fail(`unfit: ${misfit.item[1]}`);

const anyItem: fc.Arbitrary<Item> = fc.oneof(
  fc.tuple(fc.constant(0 as const), fc.nat(), fc.integer(), fc.json()),
  fc.tuple(fc.constant(1 as const), fc.nat(), fc.json()),
  fc.tuple(fc.constant(2 as const), fc.nat(), fc.constantFrom('overloaded' as const, 'late' as const)),
  fc.tuple(fc.constant(3 as const), fc.nat()),
);

it('brings items over in their order', () => {
  fc.assert(
    fc.property(fc.array(anyItem, { minLength: 1 }), (items) => {
      const frames = packFrames(items, 1.5, noMisfit).map(unpackFrame);
      expect(frames).toEqual([{ sentAtMs: 1.5, items }]);
    }),
  );
});

it('divides what is too much for one frame, and leaves out what is too much for any', () => {
  const items = Array.from({ length: 9 }, (_, id): Item => [0, id, 1, 'x'.repeat(frameBytesMax / 4)]);
  const huge: Item = [0, 99, 1, 'x'.repeat(frameBytesMax)];
  const unfit: Misfit[] = [];
  const frames = packFrames([...items.slice(0, 5), huge, ...items.slice(5)], 1, (misfit) => unfit.push(misfit));
  expect(frames.every(({ length }) => length <= frameBytesMax)).toBe(true);
  expect(frames.flatMap((frame) => unpackFrame(frame)?.items)).toEqual(items);
  expect(unfit).toEqual([{ item: huge, error: null }]);
});

it('leaves out what cannot be packed, and says why', () => {
  const unfit: Misfit[] = [];
  const frames = packFrames(
    [
      [1, 1, 'a'],
      [1, 2, 2n ** 80n],
      [1, 3, 'c'],
    ],
    1,
    (misfit) => unfit.push(misfit),
  );
  expect(frames.flatMap((frame) => unpackFrame(frame)?.items.map(([, id]) => id))).toEqual([1, 3]);
  expect(unfit).toMatchObject([{ item: [1, 2, 2n ** 80n], error: expect.any(Error) }]);
});

it.each([
  ['nothing', Buffer.alloc(0)],
  ['a map', pack({})],
  ['no time', pack(['soon', [3, 1]])],
  ['an unknown kind', pack([1, [4, 1]])],
  ['an item too short', pack([1, [0, 1, 1]])],
  ['an item too long', pack([1, [3, 1, 1]])],
  ['a number that is none', pack([1, [3, 1.5]])],
  ['a time that is none', pack([1, [0, 1, 'soon', null]])],
  ['a declared length of 2^31', Buffer.from([0xdd, 0x80, 0, 0, 0])],
  ['a deep nest', Buffer.alloc(frameBytesMax, 0x91)],
])('does not take %s for a frame', (_what, bytes) => {
  expect(unpackFrame(bytes)).toBeNull();
});

it('throws for no bytes at all', () => {
  const whole = packFrames([[0, 1, 2, { a: [1, 2, 3] }]], 1, noMisfit)[0] as Buffer;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), fc.nat(255), (noise, at, bits) => {
      const flipped = Buffer.from(whole);
      flipped[at % flipped.length] = bits;
      for (const bytes of [Buffer.from(noise), flipped, whole.subarray(0, at % whole.length)]) {
        unpackFrame(bytes);
        unpackHello(bytes);
      }
    }),
    { numRuns: 2_000 },
  );
});

it('knows a hello of every version', () => {
  const hello = { version: 7, nodeId: 'a', ticket: randomBytes(ticketBytes) };
  expect(unpackHello(packHello(hello))).toEqual(hello);
  expect(unpackHello(packHello({ ...hello, ticket: randomBytes(3) }))).toBeNull();
  expect(unpackHello(pack({ mesh: 1 }))).toBeNull();
});
