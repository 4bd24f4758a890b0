import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { makeDirectory, makePrivateDirectory } from './make-directory.ts';

const folder = mkdtempSync(join(tmpdir(), 'muster-directory-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('makes what is missing on the way, the last with its mode, and leaves what is there', () => {
  makeDirectory(join(folder, 'a', 'b', 'c'), 0o700);
  expect(statSync(join(folder, 'a', 'b', 'c')).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, 'a', 'b')).mode & 0o700).toBe(0o700);
  makeDirectory(join(folder, 'a', 'b', 'c'), 0o755);
  expect(statSync(join(folder, 'a', 'b', 'c')).mode & 0o777).toBe(0o700);
});

it('closes a directory of secrets to others, also one that is there', () => {
  const made = join(folder, 'made');
  makePrivateDirectory(made);
  expect(statSync(made).mode & 0o777).toBe(0o700);
  // As earlier versions made theirs; a group that was let in stays.
  chmodSync(made, 0o755);
  makePrivateDirectory(made);
  expect(statSync(made).mode & 0o777).toBe(0o750);
});

it('says what is in the way', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(() => makeDirectory(join(folder, 'file'))).toThrow(/EEXIST/);
  expect(() => makeDirectory(join(folder, 'file', 'below'))).toThrow(/ENOTDIR/);
});

// An agent told to keep its data there took a processor for itself, for ever, and heard no signal.
it.runIf(process.platform === 'linux')('ends where nothing can be made', () => {
  expect(() => makeDirectory('/proc/nowhere/data')).toThrow(/ENOENT/);
});
