import { describe, expect, it } from 'vitest';
import { redirectTarget, redirectUrl } from './redirect.ts';

const to = (url: string, path: string, options: { strip?: string; prepend?: string; host?: string } = {}) => {
  const [where = '', query = ''] = path.split('?');
  const { strip = '', prepend = '', host = 'r.test' } = options;
  const request = { host, path: where, query };
  return redirectUrl(redirectTarget({ code: 301, url }, { strip, prepend }, request));
};

describe('a redirect', () => {
  it.each([
    ['https://new.test/', '/x/y?a=1', 'https://new.test/'],
    ['https://new.test', '/x', 'https://new.test/'],
    ['https://new.test$path', '/x/y', 'https://new.test/x/y'],
    ['https://new.test:8443$path', '/', 'https://new.test:8443/'],
    ['https://new.test/$path', '/x?a=1&b=2', 'https://new.test/x?a=1&b=2'],
    ['https://new.test/v2$path', '/x', 'https://new.test/v2/x'],
    ['https://new.test$path?fixed=1', '/x?a=1', 'https://new.test/x?fixed=1'],
    ['https://new.test$path', '/$&$path', 'https://new.test/$&$path'],
    ['https://$host$path', '/x', 'https://r.test/x'],
    ['https://www.$host/', '/x', 'https://www.r.test/'],
    ['/here', '/x?a=1', '/here'],
    ['/v2$path', '/x?a=1', '/v2/x?a=1'],
    ['$path', '/x', '/x'],
    ['//new.test$path', '/x', '//new.test/x'],
    ['https://new.test/gr\u00fc\u00df\u20ac$path', '/\u00e4', 'https://new.test/gr%C3%BC%C3%9F%E2%82%AC/%E4'],
  ])('to %s sends %s to %s', (url, path, expected) => {
    expect(to(url, path)).toBe(expected);
  });

  it.each([
    ['shop.test:8080', 'https://shop.test:8443/x'],
    ['shop.test', 'https://shop.test:8443/x'],
    ['[::1]:8080', 'https://[::1]:8443/x'],
    ['$&$host', 'https://$&$host:8443/x'],
  ])('to another port than that of %s', (host, expected) => {
    expect(to('https://$hostname:8443$path', '/x', { host })).toBe(expected);
  });

  it.each(['//evil.test/x', '/\\evil.test/x', '///evil.test/x'])(
    'never takes its host from the path %s',
    (path) => {
      expect(to('$path', path)).toBe('/evil.test/x');
      expect(to('/$path', path)).toBe('/evil.test/x');
    },
  );

  it('takes strip and prepend into account', () => {
    expect(to('https://n.test/v2$path', '/old', { strip: '/old' })).toBe('https://n.test/v2');
    expect(to('https://n.test/v2$path', '/old/x', { strip: '/old/' })).toBe('https://n.test/v2/x');
    expect(to('/v2$path', '/old/x', { strip: '/old' })).toBe('/v2/x');
    expect(to('https://n.test$path', '/old', { strip: '/old' })).toBe('https://n.test/');
    expect(to('https://n.test$path', '/old/x', { strip: '/old', prepend: '/new' })).toBe(
      'https://n.test/new/x',
    );
  });
});
