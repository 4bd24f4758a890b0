import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { MUSTER } from '../scripts/support/paths.mjs';
import { until } from '../scripts/support/processes.mjs';
import type { GroupView } from '../src/group/view.ts';
import { startBackend } from './support/backend.ts';
import { getJson, put } from './support/http.ts';
import { testMuster } from './support/muster.ts';

/** A request on a connection of its own: the answer, or the error's code. */
function asked(port: number): Promise<string> {
  return new Promise((resolve) => {
    const request = http.get({ port, host: '127.0.0.1', agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
      response.on('end', () => resolve(`${response.statusCode} ${text}`));
      response.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    });
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

/** Whether nobody listens: a connection is opened and left again. */
function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const client = connect(port, '127.0.0.1', () => {
      client.destroy();
      resolve(false);
    });
    client.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}

/** All its threads: a signal reaches each in its own time. */
function standsStill(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
  });
}

describe.each(['uring', 'net'])('a balancer whose sockets are held, on %s', (transport) => {
  /** One, in a group, in front of a backend. */
  async function balancer(backend: number, skip: TestContext['skip']) {
    const muster = await testMuster('agent', {
      node: { dev: true },
      group: [
        {
          name: 'lb',
          command: [
            'node',
            MUSTER,
            'lb',
            '-listen=127.0.0.1:$PORT',
            `-upstream=127.0.0.1:${backend}`,
            '-workers=1',
          ],
          env: { MUSTER_TRANSPORT: transport },
          listen: { http: '127.0.0.1:$PORT' },
          restart: { base: '10ms', max: '20ms' },
          stop_timeout: '60s',
        },
      ],
    });
    const { program, api } = muster;
    /** How often one has begun. */
    const begun = () => program.output().split(' balancing').length - 1;
    const instance = async () => (await getJson<GroupView>(`${api}/v1/muster/groups/lb`)).instances[0];
    const isOver = () => begun() === 1 || /MUSTER_TRANSPORT=uring, but/.test(program.output());
    await until('the balancer', isOver, { program });
    skip(begun() === 0, 'io_uring is not here');
    return { muster, begun, instance };
  }

  it('loses nobody who comes while it is killed', async ({ skip }) => {
    const backend = await startBackend('a');
    const { begun, instance } = await balancer(backend.port, skip);
    for (let round = 1; round <= 4; round++) {
      const { state, port } = (await instance())!;
      const pid = (state.mode === 'running' && state.pid) as number;
      expect(await asked(port!)).toBe('200 a');
      // What it has taken and not answered is lost with it; from here on it takes nothing.
      process.kill(pid, 'SIGSTOP');
      await until('it to stand still', () => standsStill(pid), { every: 1 });
      const answers = Array.from({ length: 20 }, () => asked(port!));
      process.kill(pid, 'SIGKILL');
      // No more at a time than the backend can queue, however long the next one takes to start.
      while (begun() === round) {
        if (answers.length < 300) answers.push(asked(port!));
        await new Promise((next) => setTimeout(next, 2));
      }
      expect((await Promise.all(answers)).filter((answer) => answer !== '200 a')).toEqual([]);
    }
    expect((await instance())?.restarts).toBe(4);
  });

  it('refuses as soon as one that is to go takes no more, and lets what is in flight finish', async ({
    skip,
  }) => {
    let answer = () => {};
    const backend = http.createServer((_, response) => {
      answer = () => response.end('late');
    });
    await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void backend.close());
    const { muster, instance } = await balancer((backend.address() as AddressInfo).port, skip);
    const { port } = (await instance())!;
    const late = asked(port!);
    const isIn = new Promise((resolve) => backend.once('request', resolve));
    await isIn;
    await put(`${muster.api}/v1/muster/groups/lb/scale?size=0`);
    await until('new ones to be refused', () => isRefused(port!), { every: 10, program: muster.program });
    expect((await instance())?.state.mode).toBe('stopping');
    answer();
    expect(await late).toBe('200 late');
  });
});
