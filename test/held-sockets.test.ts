import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { describe, expect, it } from 'vitest';
import { MUSTER } from '../scripts/support/paths.mjs';
import { until } from '../scripts/support/processes.mjs';
import type { GroupView } from '../src/group/view.ts';
import { startBackend } from './support/backend.ts';
import { getJson } from './support/http.ts';
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

/** All its threads: a signal reaches each in its own time. */
function standsStill(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
  });
}

describe.each(['uring', 'net'])('a balancer whose sockets are held, on %s', (transport) => {
  it('loses nobody who comes while it is killed', async ({ skip }) => {
    const backend = await startBackend('a');
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
            `-upstream=127.0.0.1:${backend.port}`,
            '-workers=1',
          ],
          env: { MUSTER_TRANSPORT: transport },
          listen: { http: '127.0.0.1:$PORT' },
          restart: { base: '10ms', max: '20ms' },
        },
      ],
    });
    const { program } = muster;
    const balancing = () => program.output().split(' balancing').length - 1;
    const instance = async () => {
      const [one] = (await getJson<GroupView>(`${muster.api}/v1/muster/groups/lb`)).instances;
      if (one?.state.mode !== 'running') return undefined;
      return { pid: one.state.pid as number, port: one.port as number, restarts: one.restarts };
    };
    await until(
      'the balancer',
      () => balancing() === 1 || /MUSTER_TRANSPORT=uring, but/.test(program.output()),
      { program },
    );
    skip(balancing() === 0, 'io_uring is not here');
    for (let round = 0; round < 15; round++) {
      const { pid, port } = (await instance())!;
      expect(await asked(port)).toBe('200 a');
      // What it has taken and not answered is lost with it; from here on it takes nothing.
      process.kill(pid, 'SIGSTOP');
      await until('it to stand still', () => standsStill(pid), { every: 1 });
      const answers = Array.from({ length: 20 }, () => asked(port));
      process.kill(pid, 'SIGKILL');
      while (balancing() === round + 1) {
        answers.push(asked(port));
        await new Promise((next) => setTimeout(next, 2));
      }
      expect((await Promise.all(answers)).filter((answer) => answer !== '200 a')).toEqual([]);
    }
    expect((await instance())?.restarts).toBe(15);
  });
});
