import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type AccessEntry, accessFormat, checkAccessFormat } from './access-log.ts';
import { LineWriter } from './line-writer.ts';

const entry: AccessEntry = {
  remoteHost: '10.0.0.1',
  remotePort: 4711,
  method: 'GET',
  uri: '/p/q?x=1',
  host: 'lg.test',
  proto: 'HTTP/1.1',
  scheme: 'https',
  headers: { referer: 'http://r/', 'user-agent': 'a "b"\n' },
  status: 200,
  size: 12,
  start: Date.UTC(2026, 0, 2, 3, 4, 5, 0),
  end: Date.UTC(2026, 0, 2, 3, 4, 5, 125) + 0.25,
  service: 'web',
  upstreamHost: '::1',
  upstreamPort: 80,
  upstreamScheme: 'http',
  upstreamUri: '/q?x=1',
  traceId: '',
  spanId: '',
};

describe('the access log', () => {
  it.each([
    ['common', '10.0.0.1 - - [02/Jan/2026:03:04:05 +0000] "GET /p/q?x=1 HTTP/1.1" 200 12\n'],
    [
      'combined',
      '10.0.0.1 - - [02/Jan/2026:03:04:05 +0000] "GET /p/q?x=1 HTTP/1.1" 200 12 "http://r/" "a \\x22b\\x22\\x0a"\n',
    ],
    ['$remote_addr $request_args $header.X-None|', '10.0.0.1:4711 x=1 |\n'],
    ['$request_url', 'https://lg.test/p/q?x=1\n'],
    ['$response_time_ms $response_time_us', '0.125 0.125250\n'],
    ['$time_rfc3339_ms $time_unix_ms', '2026-01-02T03:04:05.125Z 1767323045125\n'],
    ['$upstream_service $upstream_addr $upstream_request_url', 'web [::1]:80 http://[::1]:80/q?x=1\n'],
  ])('%s', (format, line) => {
    expect(checkAccessFormat(format)).toBeUndefined();
    expect(accessFormat(format).line(entry)).toBe(line);
  });

  it('json has one object on a line', () => {
    expect(JSON.parse(accessFormat('json').line(entry))).toMatchObject({
      request_uri: '/p/q?x=1',
      // These were texts, and the microseconds seconds.
      response_status: 200,
      response_body_size: 12,
      response_time_us: 125_250,
      upstream_service: 'web',
      user_agent: 'a "b"\n',
    });
  });

  it('says nothing of an instance when none was asked', () => {
    const nobody = { ...entry, upstreamHost: '', upstreamPort: 0, service: '', upstreamUri: '' };
    expect(accessFormat('$upstream_addr|$upstream_request_url|$upstream_service').line(nobody)).toBe('||\n');
  });

  it('names the nearest field for one that is not there', () => {
    expect(checkAccessFormat('$respons_status')).toMatch(/\$respons_status.*\$response_status/);
  });
});

describe('the writer of lines', () => {
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  const read = (path: string) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return '';
    }
  };

  it('writes in order, and a new file when the old one was moved away', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'muster-lines-'));
    const path = join(folder, 'access.log');
    const writer = new LineWriter(path, (why) => {
      throw new Error(why);
    });
    for (let i = 0; i < 20_000; i++) writer.write(`line ${i}\n`);
    await until(() => read(path).endsWith('line 19999\n'));
    expect(read(path).split('\n')).toHaveLength(20_001);
    renameSync(path, `${path}.1`);
    await until(() => {
      writer.write('after\n');
      return read(path).includes('after');
    });
    writer.write('last\n');
    writer.close();
    await until(() => read(path).endsWith('last\n'));
    rmSync(folder, { recursive: true });
  });

  it('says what is wrong and goes on', async () => {
    const troubles: string[] = [];
    const writer = new LineWriter('/nonexistent/access.log', (why) => troubles.push(why));
    writer.write('x\n');
    await until(() => troubles.length > 0);
    expect(troubles[0]).toMatch(/cannot be written: there is no such file/);
    writer.close();
  });

  it('tells of trouble that goes on once a minute, with what was lost since: it filled the log', async () => {
    const troubles: string[] = [];
    let time = 0;
    let looks = 0;
    const now = () => {
      looks++;
      return time;
    };
    const writer = new LineWriter('/nonexistent/access.log', (why) => troubles.push(why), now);
    const lose = async (lines: number) => {
      const before = looks;
      for (let i = 0; i < lines; i++) writer.write('x\n');
      await until(() => looks > before);
    };
    await lose(1);
    time = 59_999;
    await lose(5);
    expect(troubles).toEqual([expect.stringMatching(/^lines are lost \(1\): .*cannot be written/)]);
    time = 60_000;
    await lose(2);
    expect(troubles).toEqual([expect.anything(), expect.stringMatching(/^lines are lost \(7\): /)]);
    await writer.close();
  });

  it('drops lines, and says how many, when they are not taken', async () => {
    const troubles: string[] = [];
    const writer = new LineWriter('/nonexistent/access.log', (why) => troubles.push(why));
    const line = `${'x'.repeat(1_000)}\n`;
    for (let i = 0; i < 5_000; i++) writer.write(line);
    await until(() => troubles.some((why) => /lines are lost \(\d+\): .*fast enough/.test(why)));
    writer.close();
  });
});
