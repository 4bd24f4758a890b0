import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitTags } from './tags.ts';

describe('a list of tags', () => {
  // The cases of registrator's own tests; it has them in the reverse order.
  it.each([
    ['', []],
    ['foobar', ['foobar']],
    ['foo,bar', ['foo', 'bar']],
    ['foo\\,bar', ['foo,bar']],
    ['foo,bar\\,baz', ['foo', 'bar,baz']],
    ['\\,foobar\\,', [',foobar,']],
    [',,,,foo,,,bar,,,', ['foo', 'bar']],
    [',,,,', []],
    [',,\\,,', [',']],
  ])('%j', (text, tags) => {
    expect(splitTags(text)).toEqual(tags);
  });

  it('holds any tags that are written with escaped commas', () => {
    const tag = fc.string({ minLength: 1 }).filter((text) => !text.includes('\\'));
    fc.assert(
      fc.property(fc.array(tag), (tags) => {
        expect(splitTags(tags.map((one) => one.replaceAll(',', '\\,')).join(','))).toEqual(tags);
      }),
    );
  });
});
