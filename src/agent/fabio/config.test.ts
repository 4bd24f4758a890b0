import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMusterError } from '../../errors.ts';
import { readFabioConfig } from './config.ts';
import { parseKeyValues } from './key-values.ts';
import { opensslName } from './listener-specs.ts';
import { validateFabio } from './validate.ts';

const read = (file: string, env: Record<string, string> = {}, flags: Record<string, string> = {}) =>
  readFabioConfig({ file, env, flags });
const problems = (file: string) =>
  read(file).problems.map(({ place, message, isWrong }) => `${isWrong ? '!' : ''}${place}: ${message}`);

describe("fabio's settings", () => {
  it('come from flags before variables before the file before the defaults', () => {
    const file = 'proxy.noroutestatus = 501\nproxy.strategy = rr\nui.title = File';
    const env = { FABIO_PROXY_NOROUTESTATUS: '502', fabio_ui_title: 'Environment', ui_color: 'blue' };
    const { values, strategy } = read(file, env, { 'proxy.noroutestatus': '503' }).config;
    expect(values['proxy.noroutestatus']).toBe(503);
    expect(values['ui.title']).toBe('Environment');
    expect(values['ui.color']).toBe('blue');
    expect(strategy).toBe('rr');
    expect(values['registry.consul.tagprefix']).toBe('urlprefix-');
  });

  it('that are wrong or without effect are told with their place, and the rest holds', () => {
    expect(
      problems('# x\nproxy.shutdownwait = soon\nproxy.adr = :80\nruntime.gogc = 800\nlog.level = LOUD'),
    ).toEqual([
      expect.stringMatching(/^!line 2: proxy\.shutdownwait: expected a duration.*"soon".*default/),
      expect.stringMatching(/^line 4: runtime\.gogc has no effect/),
      expect.stringMatching(/^line 3: there is no setting proxy\.adr; did you mean proxy\.addr\?/),
      expect.stringMatching(/^!line 5: log\.level: "LOUD"/),
    ]);
    expect(problems('proxy.addr = :80;color=red')).toEqual([expect.stringMatching(/unknown option "color"/)]);
  });

  it.each([
    ['proxy.strategy = magic', /invalid proxy\.strategy: magic; there are/],
    ['proxy.matcher = magic', /invalid proxy\.matcher/],
    ['proxy.noroutestatus = 99', /between 100 and 999/],
    ['proxy.addr = :80;proto=smoke', /unknown protocol "smoke"/],
    ['proxy.addr = 80', /expected host:port/],
    ['proxy.addr = :80;rt=soon', /rt: expected a duration/],
    ['proxy.addr = :443;proto=https', /requires a certificate source/],
    ['proxy.addr = :443;cs=none', /unknown certificate source "none"/],
    ['proxy.cs = cs=x;type=vault;cert=y', /Vault are not supported/],
    ['proxy.cs = cs=x;cert=y', /missing 'type'/],
    ['proxy.gzip.contenttype = ^(text', /invalid expression/],
    ['proxy.auth = name=x;type=basic', /missing 'file'/],
    ['registry.consul.allowStale = true\nregistry.consul.requireConsistent = true', /cannot both be true/],
    ['log.access.format = $nothing_such', /no field \$nothing_such/],
    ['ui.addr = :1,:2', /only one listener/],
  ])('%s is refused', (file, message) => {
    const error = (() => {
      try {
        read(file);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(isMusterError(error, 'config.invalid') && error.message).toMatch(message);
  });

  it('that are refused are told all at once, each with its place', () => {
    const file = 'proxy.strategy = magic\nui.title = x\nproxy.noroutestatus = 99\nproxy.addr = 80';
    expect(() => read(file)).toThrow(
      /^line 1: invalid proxy\.strategy: magic.*\nline 3: proxy\.noroutestatus must.*\nline 4: .*expected host:port/,
    );
    expect(validateFabio({ file: `${file}\nproxy.matcherx = 3`, env: {}, flags: {} })).toMatchObject([
      { place: 'line 5', message: expect.stringContaining('did you mean proxy.matcher?') },
      { place: 'line 1' },
      { place: 'line 3' },
      { place: 'line 4' },
    ]);
  });

  it("a flag's bad value is an error", () => {
    expect(() => read('', {}, { 'proxy.shutdownwait': 'soon' })).toThrow(/-proxy\.shutdownwait.*"soon"/);
  });

  it('describe listeners with their options', () => {
    const { config } = read(
      'proxy.cs = cs=main;type=file;cert=c.pem;key=k.pem\n' +
        'proxy.addr = 127.0.0.1:80;rt=5s;pxyproto=true,:443;cs=main;strictmatch=true;tlsmin=tls12;tlsmax=0x0303;tlsciphers="A,B",:1;proto=tcp',
    );
    expect(config.listeners).toMatchObject([
      { host: '127.0.0.1', port: 80, protocol: 'http', readTimeout: 5_000, proxyProtocol: true },
      {
        port: 443,
        protocol: 'https',
        certificates: 'main',
        strictMatch: true,
        tlsMin: 'TLSv1.2',
        tlsMax: 'TLSv1.2',
        tlsCiphers: ['A', 'B'],
      },
      { port: 1, protocol: 'tcp' },
    ]);
  });

  it.each([
    ['tls10', 'TLSv1'],
    ['0x0300', 'TLSv1'],
    ['0x0304', 'TLSv1.3'],
    ['0x305', 'TLSv1.3'],
    ['TLS11', 'TLSv1.1'],
  ])('the TLS version %s is %s', (text, tlsMin) => {
    const { config } = read(`proxy.addr = :443;tlsmin=${text}`);
    expect(config.listeners).toMatchObject([{ tlsMin }]);
  });

  it.each([
    ['1.2.3.4:5555', '1.2.3.4:5555'],
    ['http://1.2.3.4:5555/', '1.2.3.4:5555'],
    ['HTTPS://1.2.3.4:5555/some/path', 'https://1.2.3.4:5555'],
    ['localhost', 'localhost'],
  ])('the registry at %s is asked at %s', (text, expected) => {
    expect(read(`registry.consul.addr = ${text}`).config.values['registry.consul.addr']).toBe(expected);
  });

  it('lists are read with quotes, and never break', () => {
    expect(parseKeyValues(':80;a="x,y;z";b=\'1=2\', :81')).toEqual([
      new Map([
        ['', ':80'],
        ['a', 'x,y;z'],
        ['b', '1=2'],
      ]),
      new Map([['', ':81']]),
    ]);
    expect(parseKeyValues('a="x')).toMatch(/not closed/);
    fc.assert(fc.property(fc.string(), (text) => void parseKeyValues(text)));
  });

  it.each([
    ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
    ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
    ['TLS_RSA_WITH_AES_256_CBC_SHA', 'AES256-SHA'],
    ['TLS_AES_128_GCM_SHA256', 'TLS_AES_128_GCM_SHA256'],
    ['ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ])("Go's %s is OpenSSL's %s", (name, expected) => {
    expect(opensslName(name)).toBe(expected);
  });
});
