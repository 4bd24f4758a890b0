import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseProperties } from './properties.ts';

const read = (text: string, env = {}) => {
  const { properties } = parseProperties(text, env);
  return Object.fromEntries([...properties].map(([key, { value }]) => [key, value]));
};

describe('a properties file', () => {
  it.each([
    ['a = 1\nb: 2\nc 3\nd=\ne', { a: '1', b: '2', c: '3', d: '', e: '' }],
    ['# no\n! no\n\n   a=1  ', { a: '1' }],
    ['a = one, \\\n    two\nb = 2', { a: 'one, two', b: '2' }],
    ['a = back\\\\', { a: 'back\\' }],
    ['a\\ b\\=c = \\u00e9\\t\\n\\.', { 'a b=c': 'é\t\n.' }],
    ['a = 1\na = 2', { a: '2' }],
    ['a = x\x24{b}\nb = \x24{HOME}y', { a: 'x/homey', b: '/homey' }],
    ['a = $remote_host {{ .x }} \x24{NOPE}', { a: '$remote_host {{ .x }} ' }],
    ['proxy.addr = :9999;cs=x', { 'proxy.addr': ':9999;cs=x' }],
  ])('%j', (text, expected) => {
    expect(read(text, { HOME: '/home' })).toEqual(expected);
  });

  it('tells the line of each value, and circles', () => {
    const { properties, problems } = parseProperties('# c\na = 1\\\n2\nb = \x24{c}\nc = \x24{b}\nd = 4');
    expect([...properties].map(([key, { line }]) => [key, line])).toEqual([
      ['a', 2],
      ['d', 6],
    ]);
    expect(problems.map(({ line }) => line)).toEqual([4, 5]);
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseProperties(text)));
  });
});
