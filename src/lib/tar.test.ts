import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readTar, TarReader, writeTar } from './tar.ts';

it('what is written reads back', () => {
  const file = fc.record({
    name: fc.stringMatching(/^[a-z.]{1,20}$/),
    content: fc.uint8Array({ maxLength: 1500 }).map((bytes) => Buffer.from(bytes)),
  });
  fc.assert(
    fc.property(fc.uniqueArray(file, { selector: ({ name }) => name }), (files) => {
      const read = readTar(writeTar(files, 1));
      expect([...(read ?? [])]).toEqual(files.map(({ name, content }) => [name, content]));
    }),
  );
});

it('reads alike in whatever pieces it comes', () => {
  const files = [
    { name: 'a', content: Buffer.alloc(700, 1) },
    { name: 'none', content: Buffer.alloc(0) },
    { name: 'full', content: Buffer.alloc(1024, 2) },
  ];
  const archive = writeTar(files, 1);
  fc.assert(
    fc.property(fc.array(fc.nat(archive.length)), (cuts) => {
      const reader = new TarReader(1724);
      const places = [0, ...cuts.sort((a, b) => a - b), archive.length];
      for (const [i, at] of places.entries()) reader.write(archive.subarray(at, places[i + 1]));
      expect([...(reader.files() ?? [])]).toEqual(files.map(({ name, content }) => [name, content]));
    }),
  );
});

it('what says that it is larger than may be is refused', () => {
  const archive = writeTar([{ name: 'a', content: Buffer.alloc(700, 1) }], 1);
  for (const [room, isThere] of [
    [700, true],
    [699, false],
  ] as const) {
    const reader = new TarReader(room);
    reader.write(archive);
    expect(reader.files() !== undefined).toBe(isThere);
  }
});

it('is read by tar', () => {
  const archive = writeTar([{ name: 'meta.json', content: Buffer.from('{}') }], 1);
  expect(String(execFileSync('tar', ['-xOf', '-', 'meta.json'], { input: archive }))).toBe('{}');
});

it('what is cut off or no archive is refused', () => {
  const archive = writeTar([{ name: 'a', content: Buffer.alloc(700, 1) }], 1);
  expect(readTar(archive.subarray(0, 1200))).toBeUndefined();
  expect(readTar(Buffer.alloc(1024, 7))).toBeUndefined();
  expect(readTar(Buffer.alloc(0))).toBeUndefined();
});
