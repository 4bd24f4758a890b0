import type { networkInterfaces } from 'node:os';
import { expect, it } from 'vitest';
import { fillAddress } from './sockaddr.ts';

const one = (address: string, internal = false, bits = address.includes(':') ? 64 : 24) =>
  ({ address, internal, cidr: `${address}/${bits}` }) as NonNullable<
    ReturnType<typeof networkInterfaces>[string]
  >[number];
const interfaces = {
  lo: [one('127.0.0.1', true), one('::1', true)],
  eth0: [one('fd00::1'), one('10.0.0.5'), one('fe80::1')],
  eth1: [one('198.51.100.7'), one('192.168.1.9')],
};

it.each([
  ['10.1.1.1', '10.1.1.1'],
  // That of the interface by which packets leave, whatever bridges there are besides.
  ['{{ GetPrivateIP }}', '192.168.1.9'],
  ['{{GetPrivateIPs}}', '10.0.0.5 192.168.1.9 fd00::1'],
  ['{{ GetPublicIP }}', '198.51.100.7'],
  ['127.0.0.1 {{ GetInterfaceIP "eth1" }}', '127.0.0.1 198.51.100.7'],
  ['{{ GetInterfaceIP "^e.h0" }}', '10.0.0.5'],
  ['{{ GetInterfaceIPs "eth" }}', '10.0.0.5 198.51.100.7 192.168.1.9 fd00::1 fe80::1'],
  ['{{ GetInterfaceIP "eth0" | attr "address" }}', '10.0.0.5'],
  // As in go-sockaddr's documentation, and in Consul's.
  ['{{ GetAllInterfaces | include "network" "10.0.0.0/8" | attr "address" }}', '10.0.0.5'],
  ['{{ GetPrivateInterfaces | attr "address" }}', '192.168.1.9'],
  ['{{ GetPrivateInterfaces | include "network" "10.0.0.0/8" | attr "address" }}', '10.0.0.5'],
  ['{{ GetPublicInterfaces | join "address" "," }}', '198.51.100.7'],
  ['{{ GetDefaultInterfaces | exclude "rfc" "1918" | attr "address" }}', '198.51.100.7'],
  [
    '{{ GetAllInterfaces | include "flag" "loopback" | include "type" "IPv4" | sort "address" | limit 1 | attr "address"}}',
    '127.0.0.1',
  ],
  [
    '{{ GetAllInterfaces | include "name" "eth[01]" | exclude "type" "IPv6" | sort "-address" | join "address" " " }}',
    '198.51.100.7 192.168.1.9 10.0.0.5',
  ],
  [
    '{{ GetAllInterfaces | include "flags" "up|forwardable" | include "type" "IPv6" | attr "string" }}',
    'fd00::1/64',
  ],
  ['{{ GetAllInterfaces | include "name" "lo" | unique "name" | attr "name" }}', 'lo'],
  [
    '{{ GetAllInterfaces | sort "default,type,address" | offset 1 | limit 1 | join "address" " " }}',
    '198.51.100.7',
  ],
  ['{{ printf "1.2.3.4 4.3.2.1" }}', '1.2.3.4 4.3.2.1'],
  // Nothing fits: whoever listens there says so.
  ['{{ GetInterfaceIP "eth9" }}', '{{ GetInterfaceIP "eth9" }}'],
  ['{{ GetAllInterfaces | sort "size" }}', '{{ GetAllInterfaces | sort "size" }}'],
  [
    '{{ GetAllInterfaces | include "colour" "red" | attr "address" }}',
    '{{ GetAllInterfaces | include "colour" "red" | attr "address" }}',
  ],
  ['{{ limit 1 }}', '{{ limit 1 }}'],
  ['{{ GetPrivateIP | GetPublicIP }}', '{{ GetPrivateIP | GetPublicIP }}'],
  ['{{ constructor }}', '{{ constructor }}'],
])('%s is %s', (text, expected) => {
  expect(fillAddress(text, { interfaces, defaultInterface: 'eth1' })).toBe(expected);
});
