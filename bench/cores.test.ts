import { describe, expect, it } from 'vitest';
import { UsageError } from '../config.ts';
import { keptTo, splitCores } from './cores.ts';

describe('the cores of a measurement', () => {
  it('are shared by all unless the server gets its own', () => {
    expect(splitCores(0, 2)).toEqual({ server: null, generators: null });
    expect(keptTo(null, ['node', 'x'])).toEqual(['node', 'x']);
  });

  it('are the first for the server, and the rest for the generators', () => {
    expect(splitCores(1, 2)).toEqual({ server: '0-0', generators: '1-1' });
    expect(splitCores(3, 8)).toEqual({ server: '0-2', generators: '3-7' });
    expect(keptTo('0-2', ['node', 'x'])).toEqual(['taskset', '-c', '0-2', 'node', 'x']);
  });

  it('cannot all be the server’s', () => {
    expect(() => splitCores(2, 2)).toThrow(UsageError);
  });
});
