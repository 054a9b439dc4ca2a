/**
 * Whose address a request counts for. X-Forwarded-For is read from the right, over trusted proxies only, so that a
 * client cannot choose its own address by sending the header itself.
 */
import { BlockList, isIP } from 'node:net';

const mappedPrefix = '0000:0000:0000:0000:0000:ffff:';

/**
 * @param trusted Addresses and networks in CIDR form of our own proxies; empty: the header is ignored.
 * Throws on an entry that is neither.
 */
export function createClientAddress(
  trusted: readonly string[],
): (remote: string, forwardedFor: string | undefined) => string {
  if (trusted.length === 0) return (remote) => addressGroup(plain(remote));
  const proxies = new BlockList();
  for (const entry of trusted) addTo(proxies, entry);
  const isProxy = (address: string): boolean => isIP(address) !== 0 && proxies.check(address, family(address));

  return (remote, forwardedFor) => {
    const hops = (forwardedFor ?? '').split(',').map((hop) => plain(hop.trim()));
    let address = plain(remote);
    while (isProxy(address)) {
      const before = hops.pop();
      if (before === undefined || isIP(before) === 0) break;
      address = before;
    }
    return addressGroup(address);
  };
}

function addTo(proxies: BlockList, entry: string): void {
  const [address = '', bits] = entry.split('/');
  if (isIP(address) === 0) throw new Error(`"${entry}" is neither an address nor a network`);
  if (bits === undefined) proxies.addAddress(address, family(address));
  else proxies.addSubnet(address, Number(bits), family(address));
}

const family = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** IPv4 as such, also when the socket gives it as an IPv6-mapped address in full hexadecimal form. */
function plain(address: string): string {
  if (!address.startsWith(mappedPrefix)) return address.startsWith('::ffff:') ? address.slice(7) : address;
  const bytes = address.slice(mappedPrefix.length).replace(':', '');
  return [0, 2, 4, 6].map((at) => Number.parseInt(bytes.slice(at, at + 2), 16)).join('.');
}

/** One household or host has a whole IPv6 /64 to itself: it counts as one client. */
function addressGroup(address: string): string {
  if (isIP(address) !== 6) return address;
  const [left = '', right] = address.split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const groups = [...head, ...new Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0'), ...tail];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
