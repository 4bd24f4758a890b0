// @ts-check
// What the balancer was to reach beside HAProxy, and what it did.
import { table } from './figures.mjs';

/**
 * Processor time per request as a ratio to HAProxy's, at most: by io_uring, and by Node's sockets. TLS is Node's either way; then it is the instances' side.
 * @type {Record<import('./subjects.mjs').Protocol, Record<string, { muster: number, 'muster-net': number }>>}
 */
export const REACHES = {
  http: {
    '128 B': { muster: 0.8, 'muster-net': 1.05 },
    '128 B x 256': { muster: 0.8, 'muster-net': 1.05 },
    '10 kB': { muster: 0.85, 'muster-net': 1.15 },
    '200 kB': { muster: 0.7, 'muster-net': 1.2 },
    'new connection': { muster: 0.8, 'muster-net': 1.5 },
  },
  tcp: {
    '128 B': { muster: 0.9, 'muster-net': 1.2 },
    '200 kB': { muster: 0.6, 'muster-net': 1.0 },
  },
  https: {
    '128 B': { muster: 1.2, 'muster-net': 1.2 },
    'new connection': { muster: 1.3, 'muster-net': 1.3 },
  },
};

/**
 * One row for each kind of work that was measured on both sides.
 * @param {readonly { protocol: import('./subjects.mjs').Protocol, kind: string, subject: string, ratios: Record<string, number> }[]} summaries
 */
export function reachTable(summaries) {
  /** @param {string} protocol @param {string} kind @param {string} subject */
  const ratioOf = (protocol, kind, subject) =>
    summaries.find((one) => one.protocol === protocol && one.kind === kind && one.subject === subject)?.ratios
      .haproxy;
  const rows = Object.entries(REACHES).flatMap(([protocol, kinds]) =>
    Object.entries(kinds).flatMap(([kind, asked]) => {
      const cells = /** @type {const} */ (['muster', 'muster-net']).flatMap((subject) => {
        const [ratio, most] = [ratioOf(protocol, kind, subject), asked[subject]];
        if (ratio === undefined || most === undefined) return ['–', '–', ''];
        return [ratio.toFixed(2), `≤ ${most}`, ratio <= most ? 'reached' : 'missed'];
      });
      return cells.every((cell) => cell === '–' || cell === '') ? [] : [[`${protocol}, ${kind}`, ...cells]];
    }),
  );
  return table(['CPU × haproxy', 'uring', 'asked', '', 'net', 'asked', ''], rows);
}
