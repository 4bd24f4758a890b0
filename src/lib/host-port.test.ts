import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatHostPort, parseHostPort } from './host-port.ts';

it('what is written reads back, IPv6 with brackets', () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
  fc.assert(
    fc.property(host, fc.integer({ min: 0, max: 65535 }), (host, port) => {
      expect(parseHostPort(formatHostPort(host, port))).toEqual({ host, port });
    }),
  );
});

it.each(['', 'a', 'a:', 'a:b', '::1', '::1:80', 'a:65536', '[::1]'])('"%s" is refused', (text) => {
  expect(parseHostPort(text)).toBeUndefined();
});
