import { describe, expect, it } from 'vitest';
import { lackOf, Shortage, type ShortageReport } from './shortage.ts';

describe('a shortage', () => {
  it('is told at once, then at most once a minute with how often it was met', () => {
    const told: ShortageReport[] = [];
    let now = 5;
    const shortage = new Shortage(
      (report) => told.push(report),
      () => now,
    );
    for (let i = 0; i < 100; i++) shortage.note('files');
    shortage.note('ports');
    expect(told).toEqual([
      { lack: 'files', count: 1 },
      { lack: 'ports', count: 1 },
    ]);
    now += 60_000;
    shortage.note('files');
    expect(told.at(-1)).toEqual({ lack: 'files', count: 100 });
  });

  it('is ours only when the other side had no part in it', () => {
    const ours = {
      EMFILE: 'files',
      ENFILE: 'files',
      ENOMEM: 'memory',
      ENOBUFS: 'memory',
      EADDRNOTAVAIL: 'ports',
    };
    expect(Object.keys(ours).map(lackOf)).toEqual(Object.values(ours));
    expect(['ECONNREFUSED', 'EHOSTUNREACH', undefined].map(lackOf)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
