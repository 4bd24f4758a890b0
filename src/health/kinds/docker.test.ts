import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { missingForEngine, TestEngine } from '../../docker/engine.test-support.ts';
import { messageOf } from '../../errors.ts';
import { type CheckSpec, EMPTY_SPEC } from '../spec.ts';
import { docker } from './docker.ts';

let engine: TestEngine | undefined;
let trouble: string | undefined;
if (missingForEngine.length > 0)
  console.warn(`docker checks are not tested against a real engine: needs ${missingForEngine.join(', ')}`);

beforeAll(async () => {
  if (missingForEngine.length > 0) return;
  try {
    engine = await TestEngine.start();
    await engine.run('muster-check');
    vi.stubEnv('DOCKER_HOST', engine.host);
  } catch (error) {
    trouble = `the engine cannot run here: ${messageOf(error)}`;
    console.warn(`docker checks are not tested against a real engine: ${trouble}`);
  }
}, 60_000);

afterAll(async () => {
  vi.unstubAllEnvs();
  await engine?.close();
}, 60_000);

function probe(args: string[], fields: Partial<CheckSpec> = {}) {
  const spec = { ...EMPTY_SPEC, interval: 1000, dockerContainerId: 'muster-check', args, ...fields };
  return docker.probe(spec, { signal: new AbortController().signal, outputMaxSize: 4096 });
}

describe.skipIf(missingForEngine.length > 0)('docker check of a real container', () => {
  it.for([
    [0, 'passing'],
    [1, 'warning'],
    [3, 'critical'],
  ] as const)('exit code %d is %s', async ([code, status], { skip }) => {
    skip(trouble !== undefined, trouble);
    const outcome = await probe(['/bin/sh', '-c', `echo out; echo error >&2; exit ${code}`]);
    expect(outcome.status).toBe(status);
    expect(outcome.output.split('\n').sort()).toEqual(['', 'error', 'out']);
  });

  it('uses a shell when one is asked for', async ({ skip }) => {
    skip(trouble !== undefined, trouble);
    expect(await probe(['echo in the container; exit 1'], { shell: '/bin/sh' })).toEqual({
      status: 'warning',
      output: 'in the container\n',
    });
    // The engine tells by the exit code, and by its words in the output.
    expect((await probe(['no-such-program'])).status).toBe('critical');
  });

  it('is critical for a container that is not there', async ({ skip }) => {
    skip(trouble !== undefined, trouble);
    expect(await probe(['true'], { dockerContainerId: 'nobody' })).toEqual({
      status: 'critical',
      output: 'No such container: nobody',
    });
  });

  it('is critical when the command takes too long', async ({ skip }) => {
    skip(trouble !== undefined, trouble);
    const spec = {
      ...EMPTY_SPEC,
      interval: 1000,
      dockerContainerId: 'muster-check',
      args: ['/bin/sh', '-c', 'echo so far; sleep 600'],
      timeout: 5000,
    };
    const again = () => docker.probe(spec, { signal: new AbortController().signal, outputMaxSize: 4096 });
    expect(await again()).toEqual({
      status: 'critical',
      output: 'Timed out (5s) running check\n\nso far\n',
    });
    expect((await again()).output).toBe('the run before has not ended yet');
  });
});
