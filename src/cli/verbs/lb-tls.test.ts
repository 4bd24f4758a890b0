import { createPrivateKey } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import tls from 'node:tls';
import { describe, expect, it } from 'vitest';
import { Authority } from '../../proxy/tls/fixtures.ts';
import { backend, balancer, closers, folder, muster, renewing, until } from './lb.test-support.ts';

describe('muster lb with TLS', () => {
  it('serves HTTPS with a certificate that is read again when it changes', async () => {
    const authority = new Authority();
    closers.push(() => authority.remove());
    const [cert, key] = [join(folder, 'web.pem'), join(folder, 'web-key.pem')];
    const renew = renewing(authority, cert, key);
    renew('old.test');
    const { port } = await backend('a');
    const words = [
      '-listen-tls',
      '127.0.0.1:0',
      '-tls-cert',
      cert,
      '-tls-key',
      key,
      '-tls-min-version',
      'TLSv1.3',
    ];
    const { url } = await balancer(`127.0.0.1:${port}`, ...words).then(({ seen }) => ({
      url: `https://127.0.0.1:${/listen="127\.0\.0\.1:\d+, 127\.0\.0\.1:(\d+)"/.exec(seen.text)?.[1]}/`,
    }));
    const status = (servername: string) =>
      new Promise<number | string>((resolve) => {
        const request = https.get(url, { servername, ca: authority.cert, agent: false }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      });
    expect(await status('old.test')).toBe(200);
    renew('new.test');
    while ((await status('new.test')) !== 200) await new Promise((later) => setTimeout(later, 50));
    expect(await status('old.test')).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('takes up the renewed certificate of a server in a gobetween file', async () => {
    const authority = new Authority();
    closers.push(() => authority.remove());
    const [cert, key, file] = ['gb.pem', 'gb-key.pem', 'gb.toml'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const renew = renewing(authority, cert, key);
    renew('old.test');
    const { port } = await backend('a');
    writeFileSync(
      file,
      `[servers.x]\nbind = "127.0.0.1:0"\nprotocol = "tls"\n[servers.x.tls]\ncert_path = "${cert}"\nkey_path = "${key}"\n[servers.x.discovery]\nkind = "static"\nstatic_list = ["127.0.0.1:${port}"]\n`,
    );
    const { seen } = muster('-c', file);
    await until(() => /bind="?127\.0\.0\.1:\d+/.test(seen.text));
    const at = Number(/bind="?127\.0\.0\.1:(\d+)/.exec(seen.text)?.[1]);
    const shown = (servername: string) =>
      new Promise<boolean>((resolve) => {
        const socket = tls.connect({ port: at, host: '127.0.0.1', servername, ca: authority.cert });
        socket.on('secureConnect', () => resolve(true)).on('error', () => resolve(false));
        closers.push(() => socket.destroy());
      });
    expect(await shown('old.test')).toBe(true);
    renew('new.test');
    while (!(await shown('new.test'))) await new Promise((later) => setTimeout(later, 100));
    expect(await shown('old.test')).toBe(false);
  });

  it('ends TLS in front of connections, and lets a client open only so many', async () => {
    const authority = new Authority();
    closers.push(() => authority.remove());
    const [cert, key] = [join(folder, 't.pem'), join(folder, 't-key.pem')];
    renewing(authority, cert, key)('db.test');
    const { port } = await backend('a');
    const { seen } = await balancer(
      `127.0.0.1:${port}`,
      ...['-protocol', 'tcp', '-listen-tls', '127.0.0.1:0', '-tls-cert', cert, '-tls-key', key],
      '-options=rate=1/h maxconn=5',
    );
    const at = Number(/listen="127\.0\.0\.1:\d+, 127\.0\.0\.1:(\d+)"/.exec(seen.text)?.[1]);
    const say = async () => {
      const client = tls.connect({ port: at, host: '127.0.0.1', servername: 'db.test', ca: authority.cert });
      closers.push(() => client.destroy());
      client.on('error', () => {});
      const closed = new Promise((resolve) => client.on('close', resolve));
      client.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      let text = '';
      client.on('data', (part) => {
        text += part;
      });
      await closed;
      return text.slice(0, 12);
    };
    expect(await say()).toBe('HTTP/1.1 200');
    expect(await say()).toBe('');
  });

  it('does not start with files that are of no use: every handshake failed', async () => {
    const authority = new Authority();
    closers.push(() => authority.remove());
    const { cert, key } = authority.issue({ names: ['shop.test'] });
    const other = authority.issue({ names: ['other.test'] });
    const locked = createPrivateKey(key).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'x',
    });
    const place = (name: string, text: string | Buffer) => {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    };
    const [only, right] = [place('u-cert.pem', cert), place('u-key.pem', key)];
    const [wrong, closed] = [place('u-other.pem', other.key), place('u-locked.pem', locked)];
    const [none, missing] = [join(folder, 'none'), join(folder, 'missing.pem')];
    mkdirSync(none);
    const cases: [string[], string][] = [
      [['-tls-cert', missing], `-tls-cert: ${missing}: there is no such file`],
      [['-tls-cert', only, '-tls-key', missing], `${missing}: there is no such file`],
      [['-tls-cert', only], `-tls-cert: ${only}: the private key cannot be read: there is none`],
      [['-tls-cert', only, '-tls-key', wrong], 'the private key belongs to another certificate'],
      [['-tls-cert', only, '-tls-key', closed], 'it is encrypted'],
      [['-tls-path', none], `-tls-path: there is no certificate (x-cert.pem, x.pem) in ${none}`],
      [['-tls-path', missing], `-tls-path: ${missing}: there is no such file`],
      [['-tls-cert', only, '-tls-key', right, '-tls-client-ca', missing], `-tls-client-ca: ${missing}`],
      [['-protocol=tcp', '-tls-cert', missing], `-tls-cert: ${missing}: there is no such file`],
    ];
    for (const [words, why] of cases) {
      const { exit, seen } = muster('-listen-tls', '127.0.0.1:0', '-upstream', '127.0.0.1:1', ...words);
      expect(await exit, seen.text).toBe(2);
      expect(seen.text).toContain(why);
    }
  });
});
