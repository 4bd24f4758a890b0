import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PLAIN_HANDLING } from './handling.ts';
import { parseRouteTag } from './tag.ts';

const syntax = { prefix: 'urlprefix-', variables: { DC: 'dc1' }, globs: true };
const read = (tag: string) => parseRouteTag(tag, syntax);

describe('route tags', () => {
  it.each([
    ['urlprefix-WWW.Mixed.Test/Foo', 'www.mixed.test', '/Foo'],
    ['urlprefix-/any', '', '/any'],
    ['urlprefix-bare.test', 'bare.test', '/'],
    ['  urlprefix-  trim.test/  ', 'trim.test', '/'],
    ['urlprefix-$DC.dc.test/', 'dc1.dc.test', '/'],
    ['urlprefix-pre\x24{NOPE}fix.test/\x24{DC}/x', 'prefix.test', '/dc1/x'],
    ['urlprefix-port.test:8080/', 'port.test:8080', '/'],
    ['urlprefix-*.wild.test/', '*.wild.test', '/'],
    ['urlprefix-:1234 proto=tcp', ':1234', ''],
  ])('%s', (tag, host, path) => {
    expect(read(tag)).toMatchObject({ host, path, tag });
  });

  it('reads options however many blanks stand between them', () => {
    expect(read('urlprefix-o.test/foo   strip=/foo    weight=0.25 color=blue flag')).toMatchObject({
      handling: { strip: '/foo' },
      weight: 0.25,
      protocol: 'http',
      options: ['strip=/foo', 'color=blue', 'flag'],
      obstacle: '',
      notes: [],
    });
  });

  it.each(['v1', 'www.plain.test/', 'edge-x.test/', ''])('%j makes no route', (tag) => {
    expect(read(tag)).toBeUndefined();
  });

  it.each([
    ['urlprefix-', /expected a host/],
    ['urlprefix-a[1.test/', /"\[" without "\]"/],
    ['urlprefix-{a,b.test/', /"\{" without "\}"/],
    [`urlprefix-/${'x'.repeat(9000)}`, /longer than 8192/],
  ])('%.40s is refused with a reason', (tag, reason) => {
    expect(read(tag)).toMatch(reason);
  });

  it.each([
    ['urlprefix-a.test/ weight=half', { weight: 0, notes: [/weight=half is ignored.*number/] }],
    ['urlprefix-a.test/ weight=-1', { weight: 0, notes: [] }],
    ['urlprefix-a.test/ strip=foo', { handling: PLAIN_HANDLING, notes: [/strip=foo is ignored.*"\/"/] }],
    ['urlprefix-a.test/ proto=gopher', { protocol: 'http', notes: [/proto=gopher is ignored.*https/] }],
    ['urlprefix-a.test/ redirect=301', { handling: PLAIN_HANDLING, notes: [/code and a URL/] }],
    [
      'urlprefix-a.test/ redirect=200,http://b.test/',
      { handling: PLAIN_HANDLING, notes: [/code and a URL/] },
    ],
    ['urlprefix-a.test/ redirect=301,b.test', { handling: PLAIN_HANDLING, notes: [/no URL/] }],
    ['urlprefix-a.test/ host=a/b', { handling: PLAIN_HANDLING, notes: [/host=a\/b is ignored/] }],
  ])('%s: a bad value is ignored and said', (tag, { notes, ...rest }) => {
    expect(read(tag)).toMatchObject({ ...rest, notes: notes.map((note) => expect.stringMatching(note)) });
  });

  it.each([
    ['prepend=/x', { prepend: '/x' }],
    ['prepend=x/y', { prepend: '/x/y' }],
    ['redirect=302,/here', { redirect: { code: 302, url: '/here' } }],
    ['redirect=302,/v2$path', { redirect: { code: 302, url: '/v2$path' } }],
    ['redirect=302,//new.test$path', { redirect: { code: 302, url: '//new.test$path' } }],
    ['allow=IP:10.0.0.0/8', { access: { allow: ['10.0.0.0/8'], deny: [], closed: false } }],
    ['host=dst', { host: 'dst' }],
    ['redirect=302,https://$host$path', { redirect: { code: 302, url: 'https://$host$path' } }],
    ['auth=staff', { auth: 'staff' }],
    ['allow=ip:10.0.0.0/8,ip:::1', { access: { allow: ['10.0.0.0/8', '::1'], deny: [], closed: false } }],
    [
      'deny=ip:10.0.0.1 allow=ip:10.0.0.0/8',
      { access: { allow: ['10.0.0.0/8'], deny: ['10.0.0.1'], closed: false } },
    ],
  ])('%s is what is done with requests', (options, handling) => {
    expect(read(`urlprefix-a.test/ ${options}`)).toMatchObject({ handling, obstacle: '', notes: [] });
  });

  it('says how the instance is spoken to', () => {
    expect(read('urlprefix-a.test/ proto=https tlsskipverify=true')).toMatchObject({
      tls: { verify: false },
    });
    expect(read('urlprefix-a.test/ proto=https')).toMatchObject({ tls: { verify: true }, target: undefined });
    expect(read('urlprefix-:1 proto=tcp pxyproto=true')).toMatchObject({
      target: { protocol: 'tcp', proxyProtocol: true },
    });
  });

  it.each(['allow=10.0.0.1', 'deny=ip:', 'allow=ip:10.0.0.0/8,net:x'])(
    '%s cannot be read, so nobody gets in',
    (option) => {
      expect(read(`urlprefix-a.test/ ${option}`)).toMatchObject({
        handling: { access: { closed: true } },
        notes: [expect.stringMatching(/the route is closed/)],
      });
    },
  );

  it.each([
    ['a.test/ timeuot=5s', [/^timeuot=5s is ignored: there is no such option; did you mean timeout=\?$/]],
    ['a.test/ stickey=true', [/did you mean sticky=/]],
    ['a.test/ color=blue team=web canary=5%', []],
    [':1 proto=tcp slowstart=5s rate=5/s', []],
    [
      ':1 proto=tcp sticky=true strip=/x',
      [/^sticky=true has no effect with proto=tcp/, /^strip=\/x has no effect/],
    ],
  ])('%s: an option that was meant otherwise is said', (tag, notes) => {
    expect(read(`urlprefix-${tag}`)).toMatchObject({
      notes: notes.map((note) => expect.stringMatching(note)),
    });
  });

  it('a port alone is for TCP, unless it says otherwise', () => {
    const tcp = {
      host: ':1234',
      path: '',
      protocol: 'tcp',
      target: { protocol: 'tcp' },
      obstacle: '',
      notes: [],
    };
    expect(read('urlprefix-:1234')).toMatchObject({ ...tcp, options: [] });
    expect(read('urlprefix-:1234 allow=ip:10.0.0.0/8')).toMatchObject(tcp);
    for (const tag of ['urlprefix-:1234 proto=https', 'urlprefix-:1234/x'])
      expect(read(tag)).toMatchObject({ obstacle: expect.stringMatching(/proto=tcp/) });
  });

  it('never throws, whatever stands in a tag', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `urlprefix-${text}`),
        ),
        (tag) => {
          read(tag);
        },
      ),
    );
  });
});
