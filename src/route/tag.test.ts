import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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
      strip: '/foo',
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
    ['urlprefix-a.test/ strip=foo', { strip: '', notes: [/strip=foo is ignored.*"\/"/] }],
    ['urlprefix-a.test/ proto=gopher', { protocol: 'http', notes: [/proto=gopher is ignored.*https/] }],
  ])('%s: a bad value is ignored and said', (tag, { notes, ...rest }) => {
    expect(read(tag)).toMatchObject({ ...rest, notes: notes.map((note) => expect.stringMatching(note)) });
  });

  it.each([
    'urlprefix-:1234 proto=tcp',
    'urlprefix-:1234',
    'urlprefix-a.test/ proto=https',
    'urlprefix-a.test/ redirect=301,http://b.test/',
    'urlprefix-a.test/ allow=ip:10.0.0.0/8',
    'urlprefix-a.test/ prepend=/x',
  ])('%s is recognised and gets no HTTP traffic', (tag) => {
    expect(read(tag)).toMatchObject({ obstacle: expect.stringMatching(/./) });
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
