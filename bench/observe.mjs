// @ts-check
// One run of a load against a proxy: what it did, what it cost, and who else was on its core.
import { say } from '../scripts/support/say.mjs';
import { busyTime, cpuTime } from './cpu.mjs';
import { errorsOf, wrk } from './wrk.mjs';

/** The proxy alone on one core, load and backend on the other. */
export const PROXY_CPU = '0';
export const LOAD_CPU = '1';

/** A run in which others had more of the proxy's core than this is not worth much. */
export const DISTURBED = 0.1;

/**
 * @typedef {object} Observed
 * @property {number} perSecond
 * @property {number} cpuUs processor time of the proxy per request
 * @property {number} p50 milliseconds
 * @property {number} p99 milliseconds
 * @property {number} others share of the proxy's core that went to something else, 0 to 1
 * @property {string} errors
 */

/** @typedef {Omit<Parameters<typeof wrk>[1], 'cpu'> & { streams?: number }} Load */

/**
 * @param {import('./subjects.mjs').Started} subject
 * @param {string} path
 * @param {Load} load
 * @param {number} [size] that each body has at least
 * @param {(url: string, load: Load & { cpu: string }) => Promise<import('./wrk.mjs').Figures>} [ask]
 * @returns {Promise<Observed>}
 */
export async function observe({ url, pids }, path, load, size = 0, ask = wrk) {
  const family = pids();
  const [before, busyBefore] = [cpuTime(family), busyTime(PROXY_CPU)];
  const figures = await ask(url + path, { ...load, cpu: LOAD_CPU });
  const cpu = cpuTime(family) - before;
  const others = Math.max(0, busyTime(PROXY_CPU) - busyBefore - cpu) / figures.us;
  const short = figures.bytes < figures.requests * size ? 'bodies too short' : '';
  const none = figures.requests === 0 ? 'no answer' : '';
  return {
    perSecond: (figures.requests / figures.us) * 1e6,
    cpuUs: cpu / figures.requests,
    p50: figures.p50 / 1000,
    p99: figures.p99 / 1000,
    others,
    errors: [errorsOf(figures), short, none].filter((one) => one !== '').join(', '),
  };
}

/** How far the runs can be believed; the answer is the exit code. @param {readonly Observed[]} runs */
export function verdictOn(runs) {
  const disturbed = runs.filter(({ others }) => others > DISTURBED).length;
  if (disturbed > 0)
    say('bench', `${disturbed} of ${runs.length} runs were disturbed: measure again on a quiet machine`);
  const bad = runs.filter(({ errors }) => errors !== '').length;
  if (bad > 0) say('bench', `${bad} of ${runs.length} runs had errors`);
  return bad > 0 ? 1 : 0;
}
