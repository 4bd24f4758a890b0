import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EMPTY_SPEC } from '../health/spec.ts';
import { buildStorm } from '../store/storm.test-support.ts';
import type { LocalCheck, LocalService } from './local.ts';
import { openLocalDisk } from './open-disk.ts';

const path = mkdtempSync(join(tmpdir(), 'muster-registry-'));
let program: Awaited<ReturnType<typeof buildStorm>>;

const service = (id: string): LocalService => ({
  id,
  name: 'web',
  kind: '',
  tags: ['a'],
  address: '',
  taggedAddresses: null,
  meta: { a: 'b' },
  port: 80,
  socketPath: '',
  weights: { passing: 1, warning: 1 },
  enableTagOverride: false,
  source: 'api',
});
const check = (id: string): LocalCheck => ({
  id,
  name: 'c',
  status: 'passing',
  notes: '',
  output: 'ok',
  serviceId: 'web-1',
  serviceName: 'web',
  serviceTags: ['a'],
  type: 'ttl',
  interval: '',
  timeout: '',
  spec: { ...EMPTY_SPEC, ttl: 1000, header: { 'X-A': ['b'] } },
  source: 'api',
});

beforeAll(async () => {
  // A process of its own that registers as fast as it can and tells what was acknowledged.
  program = await buildStorm(
    'registry-disk',
    import.meta.url,
    `
      import { openLocalDisk } from './open-disk.ts';
      const disk = openLocalDisk(process.argv[2]);
      for (let i = 0; ; i++) {
        const id = 'web-' + i;
        await disk.write([{ table: 'services', id, row: { id, name: 'web' } }]);
        process.send(id);
      }`,
  );
});

afterAll(() => {
  rmSync(path, { recursive: true, force: true });
  program?.remove();
});

describe('local disk', () => {
  it('gives back what was written, and forgets what was removed', async () => {
    const at = join(path, 'simple');
    const long = 'x'.repeat(3000);
    const disk = openLocalDisk(at);
    await disk.write([
      { table: 'services', id: 'web-1', row: service('web-1') },
      { table: 'services', id: long, row: service(long) },
      { table: 'checks', id: 'c', row: check('c') },
      { table: 'checks', id: 'd', row: check('d') },
      { table: 'ttls', id: 'c', row: { id: 'c', status: 'warning', output: 'o', expires: 17 } },
    ]);
    await disk.write([{ table: 'checks', id: 'd', row: undefined }]);
    await disk.close();
    await expect(disk.write([])).rejects.toMatchObject({ code: 'store.closed' });
    const again = openLocalDisk(at);
    const { services, checks, ttls } = again.load();
    expect(new Set(services.map(({ id }) => id))).toEqual(new Set(['web-1', long]));
    expect(services.find(({ id }) => id === 'web-1')).toEqual(service('web-1'));
    expect(checks).toEqual([check('c')]);
    expect(ttls).toEqual([{ id: 'c', status: 'warning', output: 'o', expires: 17 }]);
    await again.close();
  });

  it('has everything that was acknowledged when its process was killed', async () => {
    for (let round = 0; round < 3; round++) {
      const at = join(path, `killed-${round}`);
      const process: ChildProcess = fork(program.path, [at]);
      const acknowledged: string[] = [];
      await new Promise<void>((resolve) => {
        process.on('message', (id) => {
          acknowledged.push(String(id));
          if (acknowledged.length === 20 + round * 10) {
            process.kill('SIGKILL');
            resolve();
          }
        });
      });
      await once(process, 'exit');
      const disk = openLocalDisk(at);
      const kept = new Set(disk.load().services.map(({ id }) => id));
      expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
      await disk.close();
    }
  });

  it('says what to do about a directory that cannot be used', () => {
    const file = join(path, 'file');
    writeFileSync(file, '');
    expect(() => openLocalDisk(join(file, 'below'))).toThrow(/cannot keep data in .*-data-dir/);
  });
});
