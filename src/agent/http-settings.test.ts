import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ManualClock } from '../lib/clock.ts';
import { compileGoRegexp } from '../lib/go-regexp.ts';
import { createLogger, type LogLine, silentLogger } from '../lib/log.ts';
import type { AuthScheme, ProxySettings } from '../proxy/settings.ts';
import { followAuthFiles } from './auth-files.ts';
import { type ConfigInput, configSchema } from './config/schema.ts';
import { followSettings, settingsOf } from './http-settings.ts';

const balancer = (input: ConfigInput['balancer']) => configSchema.parse({ balancer: input }).balancer;
const mapped = (input: ConfigInput['balancer']) => settingsOf(balancer(input));

it("users of fabio's files do not get in any more once the file was taken away", () => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-users-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'users');
  writeFileSync(file, 'ann:secret\n');
  const clock = new ManualClock();
  const told: Record<string, AuthScheme>[] = [];
  const stop = followAuthFiles([{ name: 'staff', realm: 'Staff', file, refresh: 1_000, asFabio: true }], {
    setting: 'proxy.auth',
    clock,
    log: silentLogger,
    tell: (schemes) => told.push(schemes),
  });
  const users = () => Object.keys(told.at(-1)?.staff?.users ?? {});
  expect(users()).toEqual(['ann']);
  rmSync(file);
  // It may just be replaced.
  clock.advance(1_000);
  expect(users()).toEqual(['ann']);
  clock.advance(1_000);
  expect(users()).toEqual([]);
  writeFileSync(file, 'bob:secret\n');
  clock.advance(1_000);
  expect(users()).toEqual(['bob']);
  stop();
});

describe('sections about HTTP', () => {
  it('become the settings of the data path', () => {
    expect(mapped({})).toEqual({ noRoute: { status: 404 } });
    expect(
      mapped({
        headers: {
          clientIp: 'X-Client',
          requestId: 'X-Id',
          tls: 'X-Tls',
          strictTransport: { maxAge: '8760h', subdomains: true },
        },
        accessLog: { format: 'json' },
        noRoute: { status: 503 },
      }),
    ).toEqual({
      headers: {
        clientIp: 'X-Client',
        requestId: 'X-Id',
        tls: { name: 'X-Tls', value: 'true' },
        strictTransport: 'max-age=31536000; includeSubdomains',
      },
      accessLog: { format: 'json', target: 'stdout' },
      noRoute: { status: 503 },
    });
  });

  it('compress by type, whatever its parameters and case', () => {
    const types = compileGoRegexp(mapped({ compression: {} }).compress ?? '');
    for (const type of ['text/html; charset=utf-8', 'Application/JSON', 'application/problem+json ;a=b'])
      expect(types.test(type), type).toBe(true);
    for (const type of ['image/png', 'application/jsonp', 'x-text/html', 'application/x;+json', ''])
      expect(types.test(type), type).toBe(false);
  });

  it('follow their files, and keep what these said when they are gone', () => {
    const folder = mkdtempSync(join(tmpdir(), 'muster-settings-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const [file, page] = [join(folder, 'users'), join(folder, 'none.html')];
    writeFileSync(file, 'ann:{SHA}one\n');
    writeFileSync(page, 'first');
    const clock = new ManualClock();
    const lines: LogLine[] = [];
    const log = createLogger({ level: 'warn', sink: (line) => lines.push(line) });
    const told: ProxySettings[] = [];
    const config = balancer({ auth: [{ name: 'staff', file, refresh: '2s' }], noRoute: { page } });
    const stop = followSettings(config, { clock, log, tell: (settings) => told.push(settings) });
    expect(told).toEqual([
      {
        auth: { staff: { realm: 'staff', users: { ann: '{SHA}one' } } },
        noRoute: { status: 404, html: 'first' },
      },
    ]);

    writeFileSync(file, 'bob:{SHA}another\n');
    clock.advance(2_000);
    writeFileSync(page, 'the second');
    clock.advance(2_000);
    expect(told.slice(1)).toEqual([
      expect.objectContaining({ auth: { staff: { realm: 'staff', users: { bob: '{SHA}another' } } } }),
      expect.objectContaining({ noRoute: { status: 404, html: 'the second' } }),
    ]);

    rmSync(file);
    clock.advance(10_000);
    expect(told).toHaveLength(3);
    expect(lines.map(({ fields }) => fields?.file)).toEqual([file]);
    stop();
    writeFileSync(file, 'x');
    clock.advance(10_000);
    expect(told).toHaveLength(3);
    expect(() =>
      followSettings(balancer({ noRoute: { page: join(folder, 'no') } }), { clock, log, tell() {} }),
    ).toThrow(/balancer\.no_route\.page: cannot read \/.*\/no: there is no such file/);
  });
});
