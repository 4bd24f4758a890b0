import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readTar, writeTar } from './tar.ts';

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
