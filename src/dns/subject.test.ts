import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TYPE } from '../lib/dns/numbers.ts';
import { DEFAULT_DNS_OPTIONS, serviceTtlOf } from './options.ts';
import { metaText } from './record.ts';
import { type Subject, subjectOf } from './subject.ts';

const zone = { domains: [['consul'], ['alt', 'test'], ['deep', 'consul']], datacenter: 'DC1' };
const subject = (name: string, type: number = TYPE.A) => subjectOf(name.split('.'), type, zone);
const service = (name: string, tag = ''): Subject => ({ kind: 'service', service: name, tag });
const nothing: Subject = { kind: 'nothing' };

describe('a name', () => {
  it.each<[string, Subject]>([
    ['web.service.consul', service('web')],
    ['web.service.dc1.consul', service('web')],
    ['web.service.dc2.consul', nothing],
    ['web.service.a.b.consul', nothing],
    ['v1.2.web.service.consul', service('web', 'v1.2')],
    ['_web._amqp.service.consul', service('web', 'amqp')],
    ['_web._tcp.service.consul', service('web')],
    ['_a._b._c.service.consul', service('_c', '_a._b')],
    ['_web.service.consul', service('_web')],
    ['service.consul', nothing],
    ['service.service.consul', service('service')],
    ['node.service.consul', service('node')],
    ['web.service.alt.test', service('web')],
    ['web.service.deep.consul', service('web')],
    ['a.b.node.consul', { kind: 'node', node: 'a.b' }],
    ['a.node.dc1.consul', { kind: 'node', node: 'a' }],
    ['a.node.dc2.consul', nothing],
    ['node.consul', nothing],
    ['0a000001.addr.consul', { kind: 'address', address: Uint8Array.from([10, 0, 0, 1]) }],
    ['0a00.addr.consul', { kind: 'address', address: undefined }],
    ['0a00000g.addr.consul', nothing],
    ['0a0000011.addr.consul', nothing],
    ['x.0a000001.addr.consul', nothing],
    ['any.query.consul', { kind: 'query', query: 'any' }],
    ['a.b.query.dc1.consul', { kind: 'query', query: 'a.b' }],
    ['a.query.dc2.consul', nothing],
    ['query.consul', nothing],
    ['web.connect.consul', nothing],
    ['consul', nothing],
    ['web.consul', nothing],
    ['web', { kind: 'outside' }],
    ['web.service.example', { kind: 'outside' }],
    ['1.0.0.10.in-addr.arpa', { kind: 'reverse', address: Uint8Array.from([10, 0, 0, 1]) }],
    ['arpa', { kind: 'reverse', address: undefined }],
  ])('%s', (name, expected) => {
    expect(subject(name)).toEqual(expected);
  });

  it('that is asked for SRV may leave out the word service', () => {
    expect(subject('_web._tcp.consul', TYPE.SRV)).toEqual(service('web'));
    expect(subject('_web._tcp.dc1.consul', TYPE.SRV)).toEqual(service('web'));
    expect(subject('_web._tcp.dc9.consul', TYPE.SRV)).toEqual(nothing);
    expect(subject('_web._tcp.consul', TYPE.A)).toEqual(nothing);
  });

  it('of any kind is understood or not, but never an exception', () => {
    const label = fc.oneof(
      fc.constantFrom('service', 'node', 'addr', 'consul', 'dc1', '_a', 'arpa', 'in-addr', 'ip6', ''),
      fc.string({ maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(label, { maxLength: 8 }), fc.constantFrom(1, 33, 255), (labels, type) => {
        expect(subjectOf(labels, type, zone).kind).toBeTypeOf('string');
      }),
    );
  });
});

describe('the TTL of a service', () => {
  const options = { ...DEFAULT_DNS_OPTIONS, serviceTtl: { web: 1, 'we*': 2, 'web-*': 3, '*': 4 } };
  it.each([
    ['web', 1],
    ['WEB', 1],
    ['web-1', 3],
    ['webby', 2],
    ['db', 4],
  ])('%s', (name, ttl) => {
    expect(serviceTtlOf(options, name)).toBe(ttl);
  });

  it('is 0 when nothing fits', () => {
    expect(serviceTtlOf({ serviceTtl: { 'a*': 5 } }, 'b')).toBe(0);
  });
});

describe('metadata as text', () => {
  it.each([
    ['color', 'blue', 'color=blue'],
    ['a=b', 'c=d', 'a`=b=c=d'],
    ['a`b', 'c`d', 'a``b=c``d'],
    [' a b ', ' c ', '` a b` = c '],
    ['rfc1035-note', 'v=spf1 `x`', 'v=spf1 `x`'],
  ])('%s %s', (key, value, text) => {
    expect(metaText(key, value)).toBe(text);
  });
});
