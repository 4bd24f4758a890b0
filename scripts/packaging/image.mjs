// @ts-check
// A container image, made without a registry: this machine's Node with the libraries it is linked with, and busybox for a shell.
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findCommand, inRoot } from '../support/paths.mjs';
import { runToEnd, until } from '../support/processes.mjs';
import { Failure, step } from '../support/say.mjs';
import { layOut, manifest } from './tree.mjs';

const BASE = 'muster-base';
/** Where programs outside of the image look for the authorities they trust. */
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';
const SERVICE =
  "require('node:http').createServer((_, response) => response.end('here')).listen(8123, '127.0.0.1');";
const REGISTER = `echo '${JSON.stringify({
  service: {
    name: 'files',
    address: '127.0.0.1',
    port: 8123,
    tags: ['urlprefix-/files strip=/files'],
    check: { tcp: '127.0.0.1:8123', interval: '1s' },
  },
})}' >/tmp/files.json && muster services register /tmp/files.json`;
/** There is no dig inside. */
const LOOK_UP = `const resolver = new (require('node:dns').promises.Resolver)();
resolver.setServers(['127.0.0.1:8600']);
resolver.resolveSrv('files.service.consul').then((found) => console.log(JSON.stringify(found)));`;

/** @param {string} command @param {string[]} args @param {Record<string, string>} [env] */
async function must(command, args, env = {}) {
  const { code, output } = await runToEnd(command, args, { env });
  if (code !== 0) throw new Failure(`image: ${command} ${args[0]} failed\n${output.slice(-4000)}`);
  return output;
}

/** @param {string | undefined} host @returns {Record<string, string>} */
const engineAt = (host) => (host === undefined ? {} : { DOCKER_HOST: host });

/**
 * Builds `tag` with the engine at `host` (DOCKER_HOST; the usual one unless given). Resolves with the tag.
 * @param {string} folder @param {{ host?: string, tag?: string }} [options]
 */
export async function makeImage(folder, { host, tag = `muster:${manifest().version}` } = {}) {
  const base = join(folder, 'base');
  const context = join(folder, 'context');
  const env = engineAt(host);
  for (const [command, debian] of Object.entries({ docker: 'docker.io', busybox: 'busybox-static' }))
    if (findCommand(command) === undefined)
      throw new Failure(`image: this needs ${command}: apt-get install ${debian}`);
  for (const one of [base, context]) rmSync(one, { recursive: true, force: true });
  await step('image', 'a base with Node', async () => {
    await layOutBase(base);
    await must(
      'sh',
      ['-c', `tar -C "$1" --owner=0 --group=0 -c . | docker import - ${BASE}`, 'sh', base],
      env,
    );
  });
  await layOut(join(context, 'muster'));
  cpSync(inRoot('packaging/docker/Dockerfile'), join(context, 'Dockerfile'));
  await step('image', `building ${tag}`, () =>
    must('docker', ['build', '--network=none', '-t', tag, '--build-arg', `BASE=${BASE}`, context], {
      ...env,
      // The older builder needs no plugin.
      DOCKER_BUILDKIT: '0',
    }),
  );
  for (const one of [base, context]) rmSync(one, { recursive: true, force: true });
  return tag;
}

/** The files that Node, a shell and, where this machine has it, etcd (which servers of a cluster start) need. @param {string} base */
async function layOutBase(base) {
  for (const path of ['usr/bin', 'etc', 'root', 'tmp']) mkdirSync(join(base, path), { recursive: true });
  symlinkSync('usr/bin', join(base, 'bin'));
  await must('chmod', ['1777', join(base, 'tmp')]);
  writeFileSync(join(base, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(base, 'etc/group'), 'root:x:0:\n');
  writeFileSync(join(base, 'etc/nsswitch.conf'), 'hosts: files dns\n');
  if (existsSync(AUTHORITIES)) copyTo(base, AUTHORITIES, AUTHORITIES);
  const busybox = /** @type {string} */ (findCommand('busybox'));
  copyTo(base, busybox, '/usr/bin/busybox');
  for (const applet of (await must(busybox, ['--list'])).trim().split('\n'))
    if (applet !== 'busybox') symlinkSync('busybox', join(base, 'usr/bin', applet));
  copyTo(base, process.execPath, '/usr/bin/node');
  const etcd = findCommand('etcd');
  if (etcd !== undefined) copyTo(base, etcd, '/usr/bin/etcd');
  // A program that is linked with nothing makes it fail.
  for (const program of [process.execPath, ...(etcd === undefined ? [] : [etcd])])
    for (const [, library = ''] of (await runToEnd('ldd', [program])).output.matchAll(/(\/\S+) \(0x/g))
      copyTo(base, library, library);
}

/** @param {string} base @param {string} from @param {string} to */
function copyTo(base, from, to) {
  const target = join(base, to);
  mkdirSync(dirname(target), { recursive: true });
  cpSync(from, target, { dereference: true });
}

/**
 * Starts it once, without a network: it must become healthy, not be root, take a service, find it, send it traffic, and end in order.
 * @param {string} tag @param {{ host?: string }} [options]
 */
export async function tryImage(tag, { host } = {}) {
  const env = engineAt(host);
  // The last line: before it may stand a warning.
  const id =
    (await must('docker', ['run', '-d', '--network=none', tag], env)).trim().split('\n').at(-1) ?? '';
  /** @param {string[]} command */
  const inside = (...command) => runToEnd('docker', ['exec', id, ...command], { env });
  let said = '';
  /** @param {string} wanted what it says then @param {string[]} command */
  const says = (wanted, ...command) =>
    until(
      `${command.join(' ')} to say "${wanted}"`,
      async () => {
        said = (await inside(...command)).output;
        return said.includes(wanted);
      },
      { ms: 60_000 },
    );
  try {
    await says('alive', 'muster', 'members');
    if ((await inside('id', '-u')).output.trim() === '0') throw new Failure('image: it runs as root');
    await must('docker', ['exec', '-d', id, 'node', '-e', SERVICE], env);
    await must('docker', ['exec', id, 'sh', '-c', REGISTER], env);
    await says('"port":8123', 'node', '-e', LOOK_UP);
    await says('here', 'wget', '-qO-', 'http://127.0.0.1:9999/files/');
    await until(
      'the image to be healthy',
      async () =>
        (await must('docker', ['inspect', '-f', '{{.State.Health.Status}}', id], env)).trim() === 'healthy',
      { ms: 60_000, every: 500 },
    );
    await must('docker', ['stop', '-t', '40', id], env);
    const exit = await must('docker', ['inspect', '-f', '{{.State.ExitCode}}', id], env);
    if (exit.trim() !== '0') throw new Failure(`image: it ended with ${exit.trim()} after SIGTERM`);
  } catch (error) {
    const { output } = await runToEnd('docker', ['logs', id], { env });
    const why = error instanceof Error ? error.message : error;
    throw new Failure(`${why}; it said:\n${said}\nIts log:\n${output.slice(-4000)}`);
  } finally {
    await runToEnd('docker', ['rm', '-f', id], { env });
  }
}
