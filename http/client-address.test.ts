import { describe, expect, it } from 'vitest';
import { createClientAddress } from './client-address.ts';

describe('without trusted proxies', () => {
  const address = createClientAddress([]);

  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['0000:0000:0000:0000:0000:ffff:cb00:7107', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:0db8:0000:0001:aaaa:bbbb:cccc:dddd', '2001:db8:0:1::/64'],
    ['2001:db8:0:1::5', '2001:db8:0:1::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('%s counts as %s, whatever the client claims', (remote, expected) => {
    expect(address(remote, '198.51.100.1')).toBe(expected);
  });
});

describe('behind proxies', () => {
  const address = createClientAddress(['10.0.0.0/8', '192.0.2.1', '2001:db8:ffff::/48']);

  it.each([
    ['the client that the proxy saw', '10.1.2.3', '203.0.113.7', '203.0.113.7'],
    ['not what the client claims before it', '10.1.2.3', '198.51.100.1, 203.0.113.7', '203.0.113.7'],
    ['over several proxies of ours', '192.0.2.1', '203.0.113.7, 10.9.9.9', '203.0.113.7'],
    ['over IPv6', '2001:db8:ffff::1', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['the proxy itself without the header', '10.1.2.3', undefined, '10.1.2.3'],
    ['the proxy itself when the header is no address', '10.1.2.3', 'unknown', '10.1.2.3'],
    ['the caller, when it is no proxy of ours', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
  ])('is %s', (_what, remote, forwardedFor, expected) => {
    expect(address(remote, forwardedFor)).toBe(expected);
  });

  it('refuses an entry that is no address', () => {
    expect(() => createClientAddress(['proxy.internal'])).toThrow('proxy.internal');
  });
});
