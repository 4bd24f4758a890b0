import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { advertiseAddress, nodeId } from './identity.ts';

describe('the identity of a node', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'muster-identity-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('is made once and kept', () => {
    const id = nodeId(undefined, directory);
    expect(nodeId(undefined, directory)).toBe(id);
  });

  it('is what the configuration says', () => {
    expect(nodeId('6BA7B810-9DAD-11D1-80B4-00C04FD430C8', directory)).toBe(
      '6ba7b810-9dad-11d1-80b4-00c04fd430c8',
    );
  });

  it('is never guessed when the file is damaged', () => {
    writeFileSync(path.join(directory, 'node-id'), 'half');
    expect(() => nodeId(undefined, directory)).toThrow(/node-id should hold a UUID/);
  });

  it('a directory that cannot be written is a clear error', () => {
    expect(() => nodeId(undefined, '/dev/null/muster')).toThrow(/-data-dir/);
  });
});

describe('the advertised address', () => {
  const address = (value: string, family: 'IPv4' | 'IPv6', internal = false) =>
    ({ address: value, family, internal, netmask: '', mac: '', cidr: null, scopeid: 0 }) as never;
  const interfaces = {
    lo: [address('127.0.0.1', 'IPv4', true)],
    eth0: [address('fe80::1', 'IPv6'), address('fd00::5', 'IPv6'), address('10.1.2.3', 'IPv4')],
  };

  it.each([
    ['192.0.2.1', '0.0.0.0', '192.0.2.1'],
    [undefined, '10.9.9.9', '10.9.9.9'],
    [undefined, '0.0.0.0', '10.1.2.3'],
    [undefined, '::', '10.1.2.3'],
  ])('advertise %s, bind %s: %s', (advertise, bind, expected) => {
    expect(advertiseAddress(advertise, bind, interfaces)).toBe(expected);
  });

  it('is loopback on a machine without a network', () => {
    expect(advertiseAddress(undefined, '0.0.0.0', {})).toBe('127.0.0.1');
  });
});
