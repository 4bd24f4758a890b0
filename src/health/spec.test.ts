import { describe, expect, it } from 'vitest';
import { kindOf } from './kinds.ts';
import { argvOf, type CheckSpec, EMPTY_SPEC, faultOf } from './spec.ts';

const spec = (fields: Partial<CheckSpec>): CheckSpec => ({ ...EMPTY_SPEC, ...fields });

describe('check spec', () => {
  it.each<[Partial<CheckSpec>, string | undefined]>([
    [{}, 'TTL must be > 0 for TTL checks'],
    [{ ttl: -1 }, 'TTL must be > 0 for TTL checks'],
    [{ ttl: 1 }, undefined],
    [{ http: 'http://a/' }, 'Interval must be > 0 for Script, HTTP, H2PING, or TCP checks'],
    [{ http: 'http://a/', interval: 1, ttl: 1 }, 'Interval and TTL cannot both be specified'],
    [{ tcp: 'a:1', interval: 1, aliasService: 'b' }, 'Interval cannot be set for Alias checks'],
    [{ aliasService: 'b', ttl: 1 }, 'TTL must be not be set for Alias checks'],
    [{ aliasService: 'b', interval: 1 }, undefined],
    [{ ttl: 1, outputMaxSize: -1 }, 'MaxOutputMaxSize must be positive'],
    [{ args: ['true'], interval: 1 }, undefined],
  ])('%j: %s', (fields, fault) => {
    expect(faultOf(spec(fields))).toBe(fault);
  });

  it('takes its kind from the fields that are set', () => {
    expect(kindOf(spec({ http: 'http://a/', interval: 1 }))).toBe('http');
    expect(kindOf(spec({ tcp: 'a:1', interval: 1 }))).toBe('tcp');
    expect(kindOf(spec({ args: ['true'], interval: 1 }))).toBe('script');
    expect(kindOf(spec({ ttl: 1 }))).toBe('ttl');
    expect(kindOf(spec({ aliasNode: 'n' }))).toBe('alias');
  });

  it('takes a single argument for a command line when a shell is given, and only then', () => {
    expect(argvOf(spec({ args: ['a && b'], shell: '/bin/sh' }))).toEqual(['/bin/sh', '-c', 'a && b']);
    expect(argvOf(spec({ args: ['a', 'b'], shell: '/bin/sh' }))).toEqual(['a', 'b']);
    expect(argvOf(spec({ args: ['a && b'] }))).toEqual(['a && b']);
  });
});
