import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startOther } from './other-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'onsale-other-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

function command(name: string, program: string): string {
  const file = join(folder, name);
  writeFileSync(file, program);
  return `${process.execPath} ${file}`;
}

describe('startOther', () => {
  it('learns the address and the tokens, and hears its last words', async () => {
    const program = `
      require('node:fs').writeFileSync('tokens.txt', 'a\\nb\\nc\\n');
      const living = setInterval(() => {}, 1000);
      process.on('SIGINT', () => { console.log('sold 7'); clearInterval(living); });
      console.log('warming up');
      console.log('http://127.0.0.1:1 EVENT=e ZONE=z');`;
    const other = await startOther(command('polite.cjs', program));
    expect(other.users).toBe(3);
    expect(other.counter).toMatchObject({ baseUrl: 'http://127.0.0.1:1', eventId: 'e', zoneId: 'z' });
    expect(await other.close()).toEqual(['warming up', 'sold 7']);
  });

  it('says so when it ends instead', async () => {
    await expect(startOther(command('rude.cjs', 'process.exit(3)'))).rejects.toThrow('ended with 3');
  });
});
