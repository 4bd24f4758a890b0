import { setTimeout as pause } from 'node:timers/promises';
import { EngineRefusal } from '../../docker/connection.ts';
import { DockerEngine } from '../../docker/engine.ts';
import { messageOf } from '../../errors.ts';
import { formatDuration } from '../../lib/duration.ts';
import { DeadlineExceeded, withDeadline } from '../deadline.ts';
import { critical, type Outcome, type ProbeContext, type ProbeKind, statusOfExit } from '../kind.ts';
import { capturedOutput, Tail } from '../output.ts';
import { argvOf, type CheckSpec } from '../spec.ts';

/** As for scripts. */
const DEFAULT_TIMEOUT = 30_000;
/** Between two looks at a command that has closed its outputs and still runs, in ms. */
const LOOK_AGAIN = 100;

/**
 * Runs a program inside a container, as `docker exec` does: exit code 0 passes, 1 warns, any other is critical. The
 * engine is found by `DOCKER_HOST`, `DOCKER_CERT_PATH` and `DOCKER_TLS_VERIFY`, as by Docker's own tools.
 */
export const docker: ProbeKind = {
  mode: 'probe',
  recognises: (spec) => spec.args.length > 0 && spec.dockerContainerId !== '' && spec.interval > 0,
  probe,
};

/**
 * Programs that were still running when their time was over. The engine has no call that ends them; no second one is
 * started while the first goes on.
 */
const unfinished = new WeakMap<CheckSpec, string>();

function probe(spec: CheckSpec, { signal, outputMaxSize }: ProbeContext): Promise<Outcome> {
  const output = new Tail(outputMaxSize);
  const timeout = spec.timeout || DEFAULT_TIMEOUT;
  return withDeadline(signal, timeout, async (signal) => {
    try {
      const engine = engineOf(process.env);
      if (await goesOn(engine, spec, signal)) return critical('the run before has not ended yet');
      const id = await engine.createExec(spec.dockerContainerId, argvOf(spec), signal);
      unfinished.set(spec, id);
      await engine.startExec(id, (chunk) => output.write(chunk), signal);
      const exitCode = await exitOf(engine, id, signal);
      unfinished.delete(spec);
      return { status: statusOfExit(exitCode), output: capturedOutput(output) };
    } catch (error) {
      if (!(signal.reason instanceof DeadlineExceeded)) return critical(messageOf(error));
      const soFar = capturedOutput(output);
      const what = `Timed out (${formatDuration(timeout)}) running check`;
      return critical(soFar === '' ? what : `${what}\n\n${soFar}`);
    }
  });
}

let known: { key: string; engine: DockerEngine } | undefined;

/** One for all probes: it knows which version of the API was agreed on. */
function engineOf(env: NodeJS.ProcessEnv): DockerEngine {
  const key = JSON.stringify([env.DOCKER_HOST, env.DOCKER_CERT_PATH, env.DOCKER_TLS_VERIFY]);
  if (known?.key !== key) known = { key, engine: DockerEngine.fromEnv(env) };
  return known.engine;
}

/** Whether the program of the probe before still runs. One that the engine has forgotten does not. */
async function goesOn(engine: DockerEngine, spec: CheckSpec, signal: AbortSignal): Promise<boolean> {
  const id = unfinished.get(spec);
  if (id === undefined) return false;
  const { running } = await engine.inspectExec(id, signal).catch((error: unknown) => {
    if (!(error instanceof EngineRefusal)) throw error;
    return { running: false };
  });
  if (!running) unfinished.delete(spec);
  return running;
}

async function exitOf(engine: DockerEngine, id: string, signal: AbortSignal): Promise<number | null> {
  for (;;) {
    const { running, exitCode } = await engine.inspectExec(id, signal);
    if (!running) return exitCode;
    await pause(LOOK_AGAIN, undefined, { signal });
  }
}
