import { execFileSync } from 'node:child_process';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { type Running, start, until } from '../scripts/support/processes.mjs';
import { missingPrograms } from '../scripts/support/system-packages.mjs';
import { TEST_IMAGE, testImageFolder } from '../src/docker/engine.test-support.ts';
import { messageOf } from '../src/errors.ts';
import { HOST, registeredIds } from './support/containers.ts';
import { musterProcess, testFolder, testMuster } from './support/muster.ts';

describe("Podman's API service", () => {
  it('is as good an engine', async ({ skip }) => {
    skip(
      missingPrograms('podman').length > 0 || process.getuid?.() !== 0,
      'needs podman, and the rights of root',
    );
    const folder = testFolder();
    const socketPath = join(folder, 'podman.sock');
    const call = (method: string, path: string, body: Buffer | object = Buffer.alloc(0)) =>
      new Promise<string>((resolve, reject) => {
        const content = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
        const type = Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json';
        const headers = { 'Content-Type': type, 'Content-Length': content.length };
        request({ socketPath, method, path, headers, agent: false }, (answer) => {
          let text = '';
          answer.on('data', (chunk) => {
            text += chunk;
          });
          answer.on('end', () =>
            (answer.statusCode ?? 500) < 400 ? resolve(text) : reject(new Error(text)),
          );
        })
          .on('error', reject)
          .end(content);
      });
    const serve = () => {
      const places = [
        '--root',
        join(folder, 'root'),
        '--runroot',
        join(folder, 'run'),
        '--tmpdir',
        join(folder, 'tmp'),
      ];
      const kinds = ['--storage-driver=vfs', '--cgroup-manager=cgroupfs', '--events-backend=file'];
      const service = start(
        'podman',
        [...places, ...kinds, 'system', 'service', '--time=0', `unix://${socketPath}`],
        { env: { HOME: folder } },
      );
      return service;
    };
    const answers = (service: Running) =>
      until(
        'podman to answer',
        () =>
          call('GET', '/_ping').then(
            (text) => text === 'OK',
            () => false,
          ),
        { program: service },
      );
    let service = serve();
    const limits = ['nofile', 'nproc'].map((Name) => ({ Name, Soft: 1024, Hard: 1024 }));
    const run = async (name: string) => {
      const made = {
        Image: TEST_IMAGE,
        Cmd: ['/bin/sleep', '600'],
        ExposedPorts: { '80/tcp': {} },
        Env: ['SERVICE_NAME=web'],
      };
      const PortBindings = { '80/tcp': [{ HostIp: '127.0.0.1' }] };
      const HostConfig = { NetworkMode: 'bridge', PortBindings, Ulimits: limits };
      await call('POST', `/containers/create?name=${name}`, { ...made, HostConfig });
      await call('POST', `/containers/${name}/start`);
    };
    const remove = (name: string) => call('DELETE', `/containers/${name}?force=1`);
    try {
      await answers(service);
      const tar = execFileSync('tar', ['-C', testImageFolder(folder), '-c', '.'], {
        maxBuffer: 64 * 1024 * 1024,
      });
      await call('POST', `/images/create?fromSrc=-&repo=${TEST_IMAGE}`, tar);
      try {
        await run('p1');
      } catch (error) {
        skip(true, `podman cannot run containers here: ${messageOf(error)}`);
      }
      const muster = await testMuster('agent');
      const program = musterProcess(
        ['registrator', '-hostname', HOST, muster.api.replace('http:', 'consul:')],
        {
          DOCKER_HOST: `unix://${socketPath}`,
        },
      );
      const holds = (names: string[]) =>
        until(
          `the catalog to hold ${names}`,
          async () =>
            JSON.stringify(await registeredIds(muster)) ===
            JSON.stringify(names.map((name) => `${HOST}:${name}:80`)),
          { program },
        );
      await holds(['p1']);
      await Promise.all([run('p2'), run('p3')]);
      await holds(['p1', 'p2', 'p3']);
      await call('POST', '/containers/p1/stop?t=0');
      await remove('p2');
      await holds(['p3']);
      await service.kill();
      service = serve();
      await answers(service);
      await Promise.all([run('p4'), call('POST', '/containers/p1/start')]);
      await holds(['p1', 'p3', 'p4']);
      await Promise.all(['p1', 'p3', 'p4'].map(remove));
      await holds([]);
    } finally {
      await Promise.all(['p1', 'p2', 'p3', 'p4'].map((name) => remove(name).catch(() => '')));
      await service.kill();
    }
  });
});
