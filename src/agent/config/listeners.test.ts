import { describe, expect, it } from 'vitest';
import { configOf, faultsOf } from './read.test-support.ts';

const read = (text: string) => configOf(text).balancer;

describe('TLS listeners', () => {
  it('name their certificates, whose files are relative to the configuration', () => {
    const { listener, certificates } = read(`
[[balancer.listener]]
address = "0.0.0.0:443"
protocol = "https"
[[balancer.certificates]]
kind = "file"
cert = "web.pem"
key = "../web-key.pem"
[[balancer.certificates]]
kind = "consul"
cert = "http://127.0.0.1:8500/v1/kv/certs"
`);
    expect(listener).toMatchObject([
      { protocol: 'https', certificates: 'default', minVersion: 'TLSv1.2', handshakeTimeout: 10_000 },
    ]);
    expect(certificates).toMatchObject([
      { name: 'default', kind: 'file', cert: '/etc/m/web.pem', key: '/etc/web-key.pem', refresh: 3_000 },
      { name: 'default', kind: 'consul', cert: 'http://127.0.0.1:8500/v1/kv/certs' },
    ]);
  });

  it('are held against what they need, with the place', () => {
    expect(
      faultsOf(`
[[balancer.listener]]
address = ":443"
protocol = "https"
certificates = "main"
[[balancer.listener]]
address = ":444"
protocol = "https"
client_auth = "required"
min_version = "TLSv1.3"
max_version = "TLSv1.2"
ciphers = "ROT13"
[[balancer.certificates]]
kind = "path"
cert = "certs"
key = "x"
[[balancer.certificates]]
kind = "http"
cert = "certs"
`),
    ).toEqual([
      expect.stringMatching(/:10:15: balancer\.listener\[1\]\.min_version: is newer than max_version/i),
      expect.stringMatching(/balancer\.listener\[1\]\.ciphers: OpenSSL knows none of them/i),
      expect.stringMatching(/balancer\.certificates\[0\]\.key: only certificates of kind "file"/i),
      expect.stringMatching(/balancer\.certificates\[1\]\.cert: expected a URL/i),
      expect.stringMatching(/no \[\[balancer\.certificates\]\] with the name "main"/i),
      expect.stringMatching(/client_auth: certificates "default" have no client_ca/i),
    ]);
  });
});

describe('an address that two would listen at', () => {
  const service = (address: string, protocol = 'tcp') =>
    `[[balancer.service]]\nname = "db"\naddress = "${address}"\nprotocol = "${protocol}"\n`;
  it.each([
    [
      `[balancer]\nlisten = ["127.0.0.1:80"]\n${service('127.0.0.1:80')}`,
      /^muster.toml:5:11: balancer\.service\[0\]\.address: 127\.0\.0\.1:80 is taken by balancer\.listen\[0\] already$/,
    ],
    [service('127.0.0.1:9999'), /127\.0\.0\.1:9999 is taken by balancer\.listen already/],
    [
      '[balancer]\nlisten = [":80"]\n[[balancer.listener]]\naddress = ":80"\n',
      /balancer\.listener\[0\]\.address: :80 is taken by balancer\.listen\[0\] already/,
    ],
    [
      '[balancer]\nlisten = ["127.0.0.1:8500"]\n',
      /balancer\.listen\[0\]: 127\.0\.0\.1:8500 is taken by http already/,
    ],
    [
      '[balancer]\nadmin = "127.0.0.1:81"\nlisten = ["127.0.0.1:81"]\n',
      /admin: .* is taken by balancer\.listen\[0\]/,
    ],
    [service('127.0.0.1:8600', 'udp'), /is taken by dns already/],
  ])('is refused before it is tried: the agent named itself as the program to stop (%j)', (text, wrong) => {
    expect(faultsOf(text)).toEqual([expect.stringMatching(wrong)]);
  });

  it.each([
    `[balancer]\nlisten = ["127.0.0.1:80"]\n${service('127.0.0.1:80', 'udp')}`,
    '[balancer]\nlisten = ["127.0.0.1:0", "127.0.0.1:0"]\n',
    '[ports]\nhttp = 9999\n',
    '[ports]\nhttp = 9998\n',
    `[balancer]\nenabled = false\nlisten = ["127.0.0.1:80", "127.0.0.1:80"]\n`,
  ])('is none where ports, protocols or what gives way are others (%j)', (text) => {
    expect(faultsOf(text)).toEqual([]);
  });
});
