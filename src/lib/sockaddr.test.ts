import type { networkInterfaces } from 'node:os';
import { expect, it } from 'vitest';
import { fillAddress } from './sockaddr.ts';

const one = (address: string, internal = false) =>
  ({ address, internal }) as NonNullable<ReturnType<typeof networkInterfaces>[string]>[number];
const interfaces = {
  lo: [one('127.0.0.1', true), one('::1', true)],
  eth0: [one('fd00::1'), one('10.0.0.5'), one('fe80::1')],
  eth1: [one('198.51.100.7'), one('192.168.1.9')],
};

it.each([
  ['10.1.1.1', '10.1.1.1'],
  ['{{ GetPrivateIP }}', '10.0.0.5'],
  ['{{GetPrivateIPs}}', '10.0.0.5 192.168.1.9 fd00::1'],
  ['{{ GetPublicIP }}', '198.51.100.7'],
  ['127.0.0.1 {{ GetInterfaceIP "eth1" }}', '127.0.0.1 198.51.100.7'],
  ['{{ GetInterfaceIP "eth0" | attr "address" }}', '10.0.0.5'],
  ['{{ printf "1.2.3.4 4.3.2.1" }}', '1.2.3.4 4.3.2.1'],
  // Nothing fits: whoever listens there says so.
  ['{{ GetInterfaceIP "eth9" }}', '{{ GetInterfaceIP "eth9" }}'],
  ['{{ GetAllInterfaces | sort "size" }}', '{{ GetAllInterfaces | sort "size" }}'],
  ['{{ constructor }}', '{{ constructor }}'],
])('%s is %s', (text, expected) => {
  expect(fillAddress(text, interfaces)).toBe(expected);
});
