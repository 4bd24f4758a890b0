import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'smol-toml';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { inRoot } from '../scripts/support/paths.mjs';
import { missingPrograms } from '../scripts/support/system-packages.mjs';

const run = promisify(execFile);

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'muster-deploy-'));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

function skipWithout({ skip }: TestContext, program: string): void {
  const missing = missingPrograms(program);
  skip(missing.length > 0, `needs ${missing.join()}`);
}

describe('deployment files', () => {
  it('systemd finds nothing wrong with the units', (context) => {
    skipWithout(context, 'systemd-analyze');
    const directory = folder();
    // As installed, with a program that is there.
    for (const name of ['muster.service', 'muster-rotation.service']) {
      const unit = readFileSync(inRoot('deploy/systemd', name), 'utf8');
      writeFileSync(join(directory, name), unit.replaceAll('/usr/local/bin/muster', process.execPath));
    }
    const units = ['muster.service', 'muster-rotation.service'].map((name) => join(directory, name));
    const output = execFileSync('systemd-analyze', ['verify', '--man=no', ...units], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, SYSTEMD_UNIT_PATH: `${directory}:` },
    });
    expect(output).toBe('');
  });

  it('Packer takes the template', async (context) => {
    skipWithout(context, 'packer');
    const directory = folder();
    writeFileSync(join(directory, 'muster.tgz'), '');
    const validate = (...given: string[]) =>
      run('packer', ['validate', ...given, inRoot('deploy/packer')], {
        env: { ...process.env, CHECKPOINT_DISABLE: '1', PACKER_CONFIG_DIR: directory },
      });
    const muster = ['-var', `muster=${join(directory, 'muster.tgz')}`];
    // It says nothing when all is well; that it looks at all is seen by what is missing.
    await validate('-var', 'project=p', ...muster);
    await expect(validate(...muster)).rejects.toThrow();
  });

  it('cloud-init gets YAML with commands that are there', () => {
    const text = readFileSync(inRoot('deploy/cloud-init/muster.yaml'), 'utf8');
    expect(text.startsWith('#cloud-config\n')).toBe(true);
    const { bootcmd, runcmd } = parseYaml(text) as Record<string, string[][]>;
    expect(bootcmd?.flat().join(' ')).toContain('configure.mjs');
    expect(runcmd?.flat()).toContain('muster.service');
  });
});

describe('a machine of Google', () => {
  /** Answers as the metadata server and the API do. */
  async function google(attributes: Record<string, string>) {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://google');
      asked.push(url.pathname + url.search);
      const path = url.pathname.replace('/computeMetadata/v1/', '');
      const known: Record<string, string> = {
        'project/project-id': 'shop-1',
        'instance/zone': 'projects/1234/zones/europe-west3-b',
        'instance/hostname': 'web-x1.europe-west3-b.c.shop-1.internal',
        'instance/service-accounts/default/token': JSON.stringify({ access_token: 't', expires_in: 3599 }),
        ...Object.fromEntries(
          Object.entries(attributes).map(([name, value]) => [`instance/attributes/${name}`, value]),
        ),
      };
      if (url.pathname.endsWith('/aggregated/instances')) {
        const one = (ip: string) => ({ name: ip, networkInterfaces: [{ networkIP: ip }] });
        const isFirst = !url.searchParams.has('pageToken');
        const items = isFirst
          ? {
              'zones/a': { instances: [one('10.0.0.1')] },
              'zones/b': { warning: { code: 'NO_RESULTS_ON_PAGE' } },
            }
          : { 'zones/c': { instances: [one('10.0.0.3')] } };
        response.statusCode = request.headers.authorization === 'Bearer t' ? 200 : 401;
        response.end(JSON.stringify({ items, ...(isFirst ? { nextPageToken: 'n' } : {}) }));
        return;
      }
      response.statusCode = request.headers['metadata-flavor'] !== 'Google' ? 403 : path in known ? 200 : 404;
      response.end(known[path] ?? '');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const env = { ...process.env, MUSTER_METADATA: address, MUSTER_COMPUTE: `${address}/compute/v1` };
    const script = (name: string, ...args: string[]) =>
      run(process.execPath, [inRoot('deploy/gce', name), ...args], { env });
    return { asked, script };
  }

  it('finds the servers by their label', async () => {
    const { script, asked } = await google({});
    expect((await script('peers.mjs')).stdout).toBe('10.0.0.1\n10.0.0.3\n');
    expect(
      decodeURIComponent(asked.find((path) => path.includes('filter')) ?? '').replaceAll('+', ' '),
    ).toContain('labels.muster=server AND status=RUNNING');
  });

  it.each([
    [
      { 'muster-role': 'server', 'muster-servers': '5' },
      { server: true, bootstrap_expect: 5 },
    ],
    [{}, {}],
  ])('writes what it is: %j', async (attributes, cluster) => {
    const { script } = await google({ 'muster-key': 'a2V5', ...attributes });
    const file = join(folder(), '10-machine.toml');
    await script('configure.mjs', file);
    expect(parse(readFileSync(file, 'utf8'))).toEqual({
      node: { name: 'web-x1', bind: '0.0.0.0', meta: { zone: 'europe-west3-b' } },
      cluster: {
        encrypt: 'a2V5',
        retry_join: ['exec:node /usr/local/lib/muster/peers.mjs'],
        ...cluster,
      },
    });
  });

  it('says what is missing', async () => {
    const { script } = await google({});
    await expect(script('configure.mjs', '/dev/null')).rejects.toThrow('no metadata attribute muster-key');
  });
});
