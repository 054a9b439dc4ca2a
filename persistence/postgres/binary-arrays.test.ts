/** Arrays in PostgreSQL's binary format come out of it as they went in. */
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabase } from '../../test/stores.ts';
import { bigints, hashes, integers, moments, packets, texts, uuids } from './binary-arrays.ts';

let database: Awaited<ReturnType<typeof openDatabase>>;
let client: pg.Client;

beforeAll(async () => {
  database = await openDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const first = '0199a2b3-c4d5-7e6f-8a9b-0c1d2e3f4a5b';
const second = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

it.each([
  ['text', texts, ['', 'a "quoted", {braced} \\ word', 'ตั๋ว đặt 🎫', null, 'NULL']],
  ['uuid', uuids, [first, second]],
  ['int4', integers, [0, -1, 2_147_483_647]],
  ['int8', bigints, [0, -1, Number.MAX_SAFE_INTEGER]],
  ['timestamptz', moments, [0, Date.UTC(2027, 2, 1, 12, 0, 0, 1), null]],
  ['bytea', packets, [Buffer.from(''), Buffer.from([0, 1, 255])]],
  ['bytea', hashes, ['00112233445566778899aabbccddeeff']],
] as const)('%s[]', async (type, encode, values) => {
  const array = (encode as (values: readonly unknown[]) => Buffer)(values);
  const text = `select e.value from unnest($1::${type}[]) with ordinality as e(value, number) order by number`;
  const { rows } = await client.query<{ value: unknown }>({ text, values: [array] });
  expect(rows.map(({ value }) => asGiven(value))).toEqual(values.map(asGiven));
});

it('of nothing has no dimensions', async () => {
  const { rows } = await client.query('select cardinality($1::text[]) as length', [texts([])]);
  expect(rows).toEqual([{ length: 0 }]);
  for (const encode of [texts, uuids, integers, bigints, moments, packets, hashes])
    expect(encode([]).readInt32BE(0)).toBe(0);
});

/** As the driver reads it and as it was given, in words: numbers of 64 bits come as text, moments as dates. */
function asGiven(value: unknown): string | null {
  if (value === null) return null;
  if (value instanceof Date) return String(value.getTime());
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value);
}
