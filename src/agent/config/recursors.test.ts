import { describe, expect, it } from 'vitest';
import { parseConfigText, readWritten } from './read.ts';

const dnsOf = (file: string, text: string) => {
  const { config, warnings } = readWritten([parseConfigText(file, text)]);
  expect(warnings).toEqual([]);
  return config.dns;
};

describe('recursors', () => {
  it('are none unless named', () => {
    expect(dnsOf('a.toml', '[node]\ndev = true')).toMatchObject({
      recursors: [],
      recursorTimeout: 2_000,
      recursorStrategy: 'sequential',
      srvTargets: 'node',
    });
  });

  it("are taken from Muster's and from Consul's files alike", () => {
    const expected = {
      recursors: [
        { host: '10.0.0.53', port: 53 },
        { host: '::1', port: 5353 },
      ],
      recursorTimeout: 500,
      recursorStrategy: 'random',
    };
    const ours = `[node]
dev = true
[dns]
recursors = ["10.0.0.53", "[::1]:5353"]
recursor_timeout = "500ms"
recursor_strategy = "random"`;
    expect(dnsOf('a.toml', ours)).toMatchObject(expected);
    const theirs = {
      data_dir: '/d',
      recursors: ['10.0.0.53', '[::1]:5353'],
      dns_config: { recursor_timeout: '500ms', recursor_strategy: 'random' },
    };
    expect(dnsOf('c.json', JSON.stringify(theirs))).toMatchObject(expected);
  });

  it('are addresses: a name would have to be asked for', () => {
    expect(() => dnsOf('a.toml', '[node]\ndev = true\n[dns]\nrecursors = ["dns.example"]')).toThrow(
      /a\.toml:4:\d+: .*expected the address of a name server/,
    );
  });
});
