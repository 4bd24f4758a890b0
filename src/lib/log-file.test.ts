import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOG_FILE_DEFAULTS, openLogFile } from './log-file.ts';

let folder: string;
/** Files take their age from the real clock. */
let ahead = 0;
const clock = { now: () => Date.now() + ahead };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-log-file-'));
  ahead = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (options: { rotateBytes?: number; rotateAfter?: number; keep?: number; path?: string } = {}) =>
  openLogFile({ ...LOG_FILE_DEFAULTS, path: join(folder, 'agent.log'), ...options }, clock);
const earlier = () =>
  readdirSync(folder)
    .filter((name) => name !== 'agent.log')
    .sort();
const text = (name: string) => readFileSync(join(folder, name), 'utf8');

describe('a log file', () => {
  it('goes on where an earlier program ended', () => {
    writeFileSync(join(folder, 'agent.log'), 'before\n');
    const file = open();
    file.write('after\n');
    file.close();
    expect(text('agent.log')).toBe('before\nafter\n');
    expect(earlier()).toEqual([]);
  });

  it('is begun anew once it is full, every line in one of the files', () => {
    const file = open({ rotateBytes: 20 });
    for (let i = 0; i < 9; i++) file.write(`line ${i} of it\n`);
    file.close();
    const all = [...earlier(), 'agent.log'].map(text);
    expect(all.join('')).toBe(Array.from({ length: 9 }, (_, i) => `line ${i} of it\n`).join(''));
    expect(all.map((one) => one.length)).toEqual([26, 26, 26, 26, 13]);
  });

  it('is begun anew once it is old', () => {
    const file = open({ rotateAfter: 60_000 });
    file.write('old\n');
    // The file system counts parts of a millisecond, the clock does not.
    ahead = 60_001;
    file.write('new\n');
    file.close();
    expect(earlier().map(text)).toEqual(['old\n']);
    expect(text('agent.log')).toBe('new\n');
  });

  it.each([
    { keep: 0, left: 5 },
    { keep: 2, left: 2 },
    { keep: -1, left: 0 },
  ])(
    'keeps what it is told of the earlier ones ($keep: $left), and the files of others',
    ({ keep, left }) => {
      writeFileSync(join(folder, 'agent-notes.log'), 'not ours');
      const file = open({ rotateBytes: 1, keep });
      for (let i = 0; i < 6; i++) file.write(`${i}\n`);
      file.close();
      expect(text('agent-notes.log')).toBe('not ours');
      const kept = earlier().filter((name) => name !== 'agent-notes.log');
      expect(kept.map(text)).toEqual(Array.from({ length: left }, (_, i) => `${5 - left + i}\n`));
      expect(text('agent.log')).toBe('5\n');
    },
  );

  it('is named in a folder, and says what is wrong with its place', () => {
    const file = open({ path: `${folder}/` });
    file.write('here\n');
    file.close();
    expect(text('muster.log')).toBe('here\n');
    expect(() => open({ path: join(folder, 'no', 'such', 'place.log') })).toThrow(
      /place\.log.*no such file or directory/,
    );
  });
});
