import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { lockFile } from './file-lock.ts';

it('lets one have a file at a time', () => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-lock-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'lock');
  const unlock = lockFile(path);
  expect(unlock).toBeDefined();
  expect(lockFile(path)).toBeUndefined();
  unlock?.();
  const again = lockFile(path);
  expect(again).toBeDefined();
  again?.();
  expect(() => lockFile(join(folder, 'none', 'lock'))).toThrow(/ENOENT/);
});
