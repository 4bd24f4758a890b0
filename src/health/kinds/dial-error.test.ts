import { describe, expect, it } from 'vitest';
import { dialError } from './dial-error.ts';

const error = (fields: object) => Object.assign(new Error('raw'), fields);

describe('words for a connection that failed', () => {
  it.each([
    [
      { code: 'ECONNREFUSED', syscall: 'connect', address: '::1', port: 80 },
      'dial tcp [::1]:80: connect: connection refused',
    ],
    [
      { code: 'EHOSTUNREACH', syscall: 'connect', address: '10.0.0.9', port: 80 },
      'dial tcp 10.0.0.9:80: connect: no route to host',
    ],
    [{ code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'web' }, 'dial tcp: lookup web: no such host'],
    [{ code: 'ECONNRESET', syscall: 'read' }, 'read: connection reset by peer'],
    [{ code: 'ESOMETHING' }, 'raw'],
  ])('%j', (fields, text) => {
    expect(dialError(error(fields))).toBe(text);
  });

  it.each([
    [
      '0A00010B:SSL routines:ssl3_get_record:wrong version number',
      'tls: first record does not look like a TLS handshake',
    ],
    [
      '0A000410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure',
      'tls: sslv3 alert handshake failure',
    ],
  ])('leaves the places in OpenSSL out: %s', (told, text) => {
    const message = `write EPROTO 80FCE37E537F0000:error:${told}:../deps/openssl/openssl/ssl/record/x.c:350:\n`;
    expect(dialError(Object.assign(new Error(message), { code: 'EPROTO' }))).toBe(text);
  });

  it('tells of the first address of a name that has several', () => {
    const first = error({ code: 'ECONNREFUSED', syscall: 'connect', address: '::1', port: 80 });
    expect(dialError(new AggregateError([first, error({})]))).toBe(
      'dial tcp [::1]:80: connect: connection refused',
    );
  });
});
