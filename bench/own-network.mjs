// @ts-check
// Benchmarks run in a network of their own: what a machine does with packets (the rules of a firewall, the bookkeeping that a container
// engine switches on) costs all programs on its loopback the same, some 5 % of a short request here, and is not what is measured.
import { spawnSync } from 'node:child_process';
import { runToEnd } from '../scripts/support/processes.mjs';

const MARK = 'MUSTER_BENCH_NETWORK';
const ENTER = ['--net', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"'];

/** Whether this process is in a network that was made for the benchmark. */
export const isInOwnNetwork = () => process.env[MARK] === 'own';

/** Whether this user may make one: Linux, and root. */
const mayMakeOne = () => spawnSync('unshare', [...ENTER, 'true'], { stdio: 'ignore' }).status === 0;

/**
 * Runs this process's program again in a network of its own, with the same arguments. Resolves with its exit code; with undefined when
 * there can be none, and the measurement has to run here.
 * @returns {Promise<number | undefined>}
 */
export async function againInOwnNetwork() {
  if (isInOwnNetwork() || !mayMakeOne()) return undefined;
  const { code } = await runToEnd('unshare', [...ENTER, process.execPath, ...process.argv.slice(1)], {
    env: { [MARK]: 'own' },
    show: true,
  });
  return code ?? 1;
}
