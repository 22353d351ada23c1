import { describe, expect, it } from 'vitest';
import { refuseAddress } from './addresses.js';
import { parseNetworks } from './networks.js';

function kindOf(address: string, allow: readonly string[] = []): string | undefined {
  return refuseAddress(address, parseNetworks(allow))?.kind;
}

describe('refuseAddress', () => {
  it.each([
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['10.0.0.0', 'private'],
    ['10.255.255.255', 'private'],
    ['100.64.0.1', 'carrier-grade NAT'],
    ['100.100.100.200', 'carrier-grade NAT'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['168.63.129.16', 'cloud platform'],
    ['169.254.169.254', 'link-local'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.0.0.192', 'reserved'],
    ['192.0.2.1', 'reserved'],
    ['192.88.99.1', 'reserved'],
    ['192.168.1.1', 'private'],
    ['198.18.0.1', 'reserved'],
    ['198.19.255.255', 'reserved'],
    ['198.51.100.1', 'reserved'],
    ['203.0.113.1', 'reserved'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::127.0.0.1', 'IPv4-compatible'],
    ['::8.8.8.8', 'IPv4-compatible'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:a00:1', 'private'],
    ['::ffff:0:127.0.0.1', 'reserved'],
    ['64:ff9b::127.0.0.1', 'IPv4 127.0.0.1 within NAT64 (loopback)'],
    ['64:ff9b::a9fe:a9fe', 'IPv4 169.254.169.254 within NAT64 (link-local)'],
    ['64:ff9b:1::8.8.8.8', 'reserved'],
    ['100::1', 'reserved'],
    ['2001::1', 'IPv4 0.0.0.0 within Teredo (unspecified)'],
    ['2001:0:4136:e378:8000:63bf:80ff:fffe', 'IPv4 127.0.0.1 within Teredo (loopback)'],
    ['2001:2::1', 'reserved'],
    ['2001:10::1', 'reserved'],
    ['2001:db8::1', 'reserved'],
    ['2002:7f00:1::', 'IPv4 127.0.0.1 within 6to4 (loopback)'],
    ['2002:a14:304::1', 'IPv4 10.20.3.4 within 6to4 (private)'],
    ['3fff::1', 'reserved'],
    ['4000::1', 'unassigned'],
    ['5f00::1', 'reserved'],
    ['fc00::1', 'unique local'],
    ['fd00:ec2::254', 'unique local'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local'],
    ['fec0::1', 'reserved'],
    ['ff02::1', 'multicast'],
    ['localhost', 'not an address'],
    ['', 'not an address'],
  ])('refuses %s: %s', (address, kind) => {
    expect(kindOf(address)).toBe(kind);
  });

  it.each([
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '128.0.0.0',
    '169.253.255.255',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
    '2001:4860:4860::8888',
    '2002:808:808::1',
    '2606:4700::1111',
    '2a00:1450:4001:81b::200e',
  ])('lets %s pass', (address) => {
    expect(kindOf(address)).toBeUndefined();
  });

  it.each([
    ['10.20.3.4', '10.20.0.0/16'],
    ['::ffff:10.20.3.4', '10.20.0.0/16'],
    ['64:ff9b::10.20.3.4', '10.20.0.0/16'],
    ['2002:a14:304::1', '10.20.0.0/16'],
    ['127.0.0.1', '0.0.0.0/0'],
    ['::1', '::1/128'],
    ['fd00:1::7', 'fd00:1::/64'],
  ])('lets %s pass where %s is allowed', (address, network) => {
    expect(kindOf(address, [network])).toBeUndefined();
  });

  it.each([
    ['10.21.0.1', '10.20.0.0/16'],
    ['::ffff:127.0.0.1', '::/0'],
    ['::1', '0.0.0.0/0'],
  ])('refuses %s although %s is allowed', (address, network) => {
    expect(kindOf(address, [network])).toBeDefined();
  });

  it.each([
    ['10.20.3.4', '10.20.3.0/24'],
    ['127.0.0.1', '127.0.0.1/32'],
    ['169.254.169.254', '169.254.169.254/32'],
    ['::ffff:192.168.7.9', '192.168.7.0/24'],
    ['64:ff9b::10.20.3.4', '10.20.3.0/24'],
    ['::1', '::1/128'],
    ['::127.0.0.1', '::7f00:1/128'],
    ['fd00:1::7', 'fd00:1::/64'],
    ['fe80::1%eth0', 'fe80::1/128'],
  ])('names the network that opens %s: %s', (address, network) => {
    expect(refuseAddress(address, [])?.network).toBe(network);
    expect(kindOf(address, [network])).toBeUndefined();
  });
});

describe('parseNetworks', () => {
  it.each(['', '10.0.0.0', '10.0.0.0/33', '010.0.0.0/8', '0x0a000000/8', '10/8', '::1', '::/129'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseNetworks([text])).toThrow(
        expect.objectContaining({ class: 'invalid_input', code: 'NETWORK_INVALID' }),
      );
    },
  );

  it('refuses IPv4 written as IPv6', () => {
    expect(() => parseNetworks(['::ffff:10.0.0.0/104'])).toThrow('is not a network');
  });
});
