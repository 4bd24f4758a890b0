import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { silentLogger } from '../lib/log.ts';
import { Book, type Entry } from './book.ts';
import { addressesIn, addressOf, findContacts } from './contacts.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
const newFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-book-'));
  folders.push(folder);
  return folder;
};
const entry = (id: string, sequence: number, host = '10.0.0.1'): Entry => ({
  id,
  name: id,
  host,
  port: 8300,
  version: '1',
  sequence,
});
const self = { id: 'self', name: 'self', host: '10.0.0.9', port: 8300, version: '1' };

it('whatever comes in whatever order, the newest of each server is kept', () => {
  const one = fc.record({
    id: fc.constantFrom('a', 'b'),
    sequence: fc.nat(20),
    host: fc.constantFrom('x', 'y', 'z'),
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 20 }), (heard) => {
      const book = new Book(self, undefined, silentLogger);
      for (const { id, sequence } of heard) book.merge([entry(id, sequence, `host-${sequence}`)]);
      for (const id of ['a', 'b']) {
        const newest = Math.max(
          -1,
          ...heard.filter((other) => other.id === id).map(({ sequence }) => sequence),
        );
        expect(book.get(id)?.sequence ?? -1).toBe(newest);
      }
    }),
  );
});

it('is there again after a start, and the own entry is newer than all before, also when the clock was set back', () => {
  const folder = newFolder();
  const book = new Book(self, folder, silentLogger);
  book.merge([entry('a', 1)]);
  const again = new Book({ ...self, host: '10.0.0.10' }, folder, silentLogger);
  expect(again.others().map(({ id }) => id)).toEqual(['a']);
  expect(again.self.sequence).toBeGreaterThan(book.self.sequence);
  const future = { ...again.self, sequence: again.self.sequence + 1_000_000 };
  again.merge([future]);
  expect(again.self.sequence).toBeGreaterThan(future.sequence);
});

it('one that was removed is not looked for, until it comes back by itself', () => {
  const book = new Book(self, undefined, silentLogger);
  book.merge([entry('a', 5)]);
  book.remove('a');
  expect(book.others()).toEqual([]);
  book.merge([entry('a', 5)]);
  expect(book.others()).toEqual([]);
  book.merge([entry('a', 7)]);
  expect(book.others().map(({ id }) => id)).toEqual(['a']);
});

it('a file that is broken is begun anew', () => {
  const folder = newFolder();
  writeFileSync(join(folder, 'servers.json'), 'not json');
  expect(new Book(self, folder, silentLogger).others()).toEqual([]);
});

it('addresses have a port, or get the one of links', () => {
  expect(addressOf('10.0.0.1', 8300)).toEqual({ host: '10.0.0.1', port: 8300 });
  expect(addressOf('a.example:9', 8300)).toEqual({ host: 'a.example', port: 9 });
  expect(addressOf('[::1]:9', 8300)).toEqual({ host: '::1', port: 9 });
  expect(addressOf('::1', 8300)).toEqual({ host: '::1', port: 8300 });
  expect(addressesIn('# servers\n10.0.0.1, 10.0.0.2 # two\n\n c \n')).toEqual(['10.0.0.1', '10.0.0.2', 'c']);
});

it('addresses come from files and programs; a source that fails does not keep the others', async () => {
  const file = join(newFolder(), 'servers');
  writeFileSync(file, '10.0.0.1\n10.0.0.2:9\n');
  const found = await findContacts(
    ['file:/does/not/exist', `file:${file}`, 'exec:echo 10.0.0.3', 'exec:false', '10.0.0.1'],
    {
      port: 8300,
      logger: silentLogger,
    },
  );
  expect(found.map(({ host, port }) => `${host}:${port}`)).toEqual([
    '10.0.0.1:8300',
    '10.0.0.2:9',
    '10.0.0.3:8300',
  ]);
});
