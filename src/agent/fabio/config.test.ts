import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMusterError } from '../../errors.ts';
import { readFabioConfig } from './config.ts';
import { parseKeyValues } from './key-values.ts';
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
    expect(problems('log.routes.format = short\nregistry.consul.checksRequired = some')).toEqual([
      expect.stringMatching(
        /^!line 2: registry\.consul\.checksRequired: "some" is none of one, all; one is used/,
      ),
      expect.stringMatching(/^!line 1: log\.routes\.format: "short" is none of delta, detail, all; delta/),
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
    ['proxy.addr = {{GetInterfaceIP "none0"}}:80', /no address of this machine fits \{\{/],
    ['proxy.localip = {{GetInterfaceIP "none0"}}', /proxy\.localip: no address of this machine/],
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

  const loopback =
    '{{GetAllInterfaces | include "flag" "loopback" | include "type" "IPv4" | attr "address"}}';
  it("have addresses of this machine where go-sockaddr's templates ask for them", () => {
    const { config } = read(
      `proxy.addr = ${loopback}:81;proto=tcp\nui.addr = ${loopback}:82\nproxy.localip = ${loopback}`,
    );
    expect(config.listeners).toMatchObject([{ host: '127.0.0.1', port: 81, protocol: 'tcp' }]);
    expect(config.ui).toMatchObject({ host: '127.0.0.1', port: 82 });
    expect(config.localAddress).toBe('127.0.0.1');
    expect(config.registerAddress).toBe('127.0.0.1:82');
    const place = `registry.consul.register.addr = ${loopback}:83\nregistry.consul.register.enabled = false`;
    expect(read(place).config).toMatchObject({ isRegistered: false, registerAddress: '127.0.0.1:83' });
  });

  it("take of Consul's variables what they do not say themselves", () => {
    const env = {
      CONSUL_HTTP_ADDR: 'https://elsewhere:1',
      CONSUL_HTTP_TOKEN: 'theirs',
      CONSUL_CACERT: '/their/ca.pem',
      CONSUL_HTTP_SSL_VERIFY: 'false',
    };
    const theirs = { token: 'theirs', caFile: '/their/ca.pem', verifyTls: false };
    expect(read('', env).config).toMatchObject({
      client: { ...theirs, address: 'localhost:8500' },
      variables: theirs,
    });
    const own =
      'registry.consul.addr = https://here:2\nregistry.consul.token = own\nregistry.consul.tls.cafile = /own.pem';
    expect(read(own, env).config.client).toMatchObject({
      address: 'https://here:2',
      token: 'own',
      caFile: '/own.pem',
    });
    expect(read('', {}).config.client).toEqual({ address: 'localhost:8500' });
    expect(() => read('', { CONSUL_HTTP_TOKEN_FILE: '/nowhere' })).toThrow(/CONSUL_HTTP_TOKEN_FILE/);
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
    expect(parseKeyValues('a="x \\"y\\\\",{{z "0"}}:80;b=c"d,e;f=g="h,i"')).toEqual([
      new Map([['a', 'x "y\\']]),
      new Map([
        ['', '{{z "0"}}:80'],
        ['b', 'c"d'],
      ]),
      new Map([
        ['', 'e'],
        ['f', 'g=h,i'],
      ]),
    ]);
    expect(parseKeyValues('a="x')).toMatch(/not closed/);
    fc.assert(fc.property(fc.string(), (text) => void parseKeyValues(text)));
  });
});
