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

  it('tells of the first address of a name that has several', () => {
    const first = error({ code: 'ECONNREFUSED', syscall: 'connect', address: '::1', port: 80 });
    expect(dialError(new AggregateError([first, error({})]))).toBe(
      'dial tcp [::1]:80: connect: connection refused',
    );
  });
});
