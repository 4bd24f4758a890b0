import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_TEMPLATE } from './settings.ts';
import { writeFile, writeOutput } from './write.ts';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'muster-write-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const at = (name: string) => path.join(folder, name);
const modeOf = (name: string) => (fs.statSync(at(name)).mode & 0o7777).toString(8);
const write = (text: string, name: string, more = {}) =>
  writeOutput(text, { ...DEFAULT_TEMPLATE, destination: at(name), ...more });

describe('a file', () => {
  it('is there whole or as it was, whoever looks', async () => {
    const [small, large] = ['a'.repeat(10), 'b'.repeat(3_000_000)];
    await write(small, 'out');
    let looks = 0;
    let writing = true;
    const looking = (async () => {
      while (writing) {
        const seen = fs.readFileSync(at('out'), 'latin1');
        expect([small.length, large.length]).toContain(seen.length);
        looks++;
        await new Promise(setImmediate);
      }
    })();
    for (let round = 0; round < 10; round++) await write(round % 2 === 0 ? large : small, 'out');
    writing = false;
    await looking;
    expect(looks).toBeGreaterThan(0);
    expect(fs.readdirSync(folder)).toEqual(['out']);
  });

  it('says whether it has changed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('a', 'b', ''), { minLength: 1, maxLength: 6 }),
        async (texts) => {
          fs.rmSync(at('out'), { force: true });
          let before: string | undefined;
          for (const text of texts) {
            expect(await write(text, 'out')).toBe(text !== before);
            expect(fs.readFileSync(at('out'), 'utf8')).toBe(text);
            before = text;
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  it('keeps its permissions, or has those that it is given', async () => {
    await write('1', 'out');
    expect(modeOf('out')).toBe('644');
    fs.chmodSync(at('out'), 0o600);
    await write('2', 'out');
    expect(modeOf('out')).toBe('600');
    await write('3', 'out', { perms: 0o440 });
    expect(modeOf('out')).toBe('440');
  });

  it('leaves the one before as .bak when told to', async () => {
    await write('1', 'out', { backup: true });
    expect(fs.existsSync(at('out.bak'))).toBe(false);
    await write('2', 'out', { backup: true });
    await write('3', 'out', { backup: true });
    expect(fs.readFileSync(at('out.bak'), 'utf8')).toBe('2');
    expect(fs.readdirSync(folder).sort()).toEqual(['out', 'out.bak']);
  });

  it('is not written into a folder that is not there unless it may be made', async () => {
    await expect(write('1', 'a/b/out', { createDestDirs: false })).rejects.toMatchObject({
      code: 'template.unwritable',
      message: `cannot write ${at('a/b/out')}: there is no folder ${at('a/b')}; make it, or let create_dest_dirs`,
    });
    await write('1', 'a/b/out');
    expect(fs.readFileSync(at('a/b/out'), 'utf8')).toBe('1');
  });

  it('of nobody is refused with the name', async () => {
    await expect(write('1', 'out', { user: 'no such user' })).rejects.toThrow(
      'there is no user "no such user"',
    );
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  it('whose check takes too long stays as it was', async () => {
    await write('1', 'out');
    await expect(write('2', 'out', { check: 'sleep 100', checkTimeout: 50 })).rejects.toMatchObject({
      code: 'template.refused',
      message: expect.stringContaining('no answer within 50 ms'),
    });
    expect(fs.readFileSync(at('out'), 'utf8')).toBe('1');
  });

  it('is checked under a name that a shell takes for one word', async () => {
    await write("it's", "o u't", { check: 'grep -q it {}' });
    expect(fs.readFileSync(at("o u't"), 'utf8')).toBe("it's");
  });
});

describe('writeToFile', () => {
  const file = { user: '', group: '', mode: 0o600, append: false };

  it('writes, and appends', async () => {
    await writeFile({ ...file, path: at('out'), content: 'one ' });
    await writeFile({ ...file, path: at('out'), content: 'two', append: true });
    expect(fs.readFileSync(at('out'), 'utf8')).toBe('one two');
    expect(modeOf('out')).toBe('600');
  });

  it('does not follow a symbolic link to somebody else', async () => {
    fs.writeFileSync(at('secret'), 'kept');
    fs.symlinkSync(at('secret'), at('link'));
    await expect(writeFile({ ...file, path: at('link'), content: 'x' })).rejects.toThrow('symbolic link');
    expect(fs.readFileSync(at('secret'), 'utf8')).toBe('kept');
  });
});
