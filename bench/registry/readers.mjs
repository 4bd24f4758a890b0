// @ts-check
// How long it takes to tell many blocked readers of one change.
import { inRoot } from '../../scripts/support/paths.mjs';
import { runToEnd } from '../../scripts/support/processes.mjs';
import { startAgent } from '../agent.mjs';
import { median, rounded, table } from '../figures.mjs';
import { CLIENT_CPU, SUBJECT_CPU } from './places.mjs';

/** ms until the last of 10,000 is answered. */
const REACH = 250;

/** @param {Record<string, string>} chosen @returns {Promise<import('./places.mjs').Part>} */
export async function readers(chosen) {
  const ours = await startAgent({ store: 'embedded', cpu: SUBJECT_CPU });
  try {
    const args = [
      inRoot('bench', 'registry', 'watchers.mjs'),
      ours.api,
      chosen.readers ?? '',
      chosen.rounds ?? '',
      ours.program.family().join(),
    ];
    const { code, output } = await runToEnd(process.execPath, args, { cpu: CLIENT_CPU });
    if (code !== 0) throw new Error(`the readers failed:\n${output}`);
    /** @type {{ cpuUs: number, first: number, middle: number, last: number }[]} */
    const rounds = JSON.parse(output);
    const rows = rounds.map(({ cpuUs, first, middle, last }) => [
      'one change',
      chosen.readers ?? '',
      cpuUs,
      first,
      middle,
      last,
    ]);
    const head = ['', 'blocked readers', 'CPU µs each', 'first ms', 'middle ms', 'last ms'];
    process.stdout.write(`${table(head, rows)}\n\n`);
    const last = median(rounds.map((round) => round.last));
    return {
      figures: rounds,
      isRight: true,
      verdicts: [
        {
          what: `one change to ${chosen.readers} blocked readers, the last answered`,
          reach: `< ${REACH} ms`,
          reached: `${rounded(last)} ms`,
          isReached: last < REACH,
          beside: '',
        },
      ],
    };
  } finally {
    await ours.stop();
  }
}
