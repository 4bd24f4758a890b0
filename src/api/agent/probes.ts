import { PROMETHEUS_TEXT, prometheusText } from '../../lib/metrics.ts';
import { endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { text } from '../reply.ts';

/** Paths that probes of orchestrators and scrapers know: not below `/v1`. */

export const livez = endpoint({
  method: 'GET',
  path: '/livez',
  needs: 'nothing',
  isLocal: true,
  summary: 'Whether this agent runs: 200. What does not answer should be started again',
  handler: () => text('ok\n'),
});

export const readyz = endpoint({
  method: 'GET',
  path: '/readyz',
  needs: 'nothing',
  isLocal: true,
  summary: 'Whether traffic should be sent here: 200, or 503 with a line for what is missing',
  handler({ store, agent }) {
    const contact = store.remote?.contact() ?? { known: true, silence: 0 };
    const old = contact.known ? '' : 'no word from the servers: what is known may be old';
    const isStarting = agent?.isStarting?.() === true;
    const checks = [
      { name: 'catalog', why: isStarting ? 'no server was reached yet: nothing is known' : old },
      { name: 'disk', why: agent?.diskTrouble?.() ?? '' },
      { name: 'draining', why: agent?.isDraining?.() === true ? 'this agent is stopping' : '' },
    ];
    const lines = checks.map(({ name, why }) => (why === '' ? `[+] ${name}\n` : `[-] ${name}: ${why}\n`));
    return text(lines.join(''), { status: checks.every(({ why }) => why === '') ? 200 : 503 });
  },
});

export const scrape = endpoint({
  method: 'GET',
  path: '/metrics',
  needs: 'agent:read',
  isLocal: true,
  summary: 'All figures of this agent in the format of Prometheus (docs/reference/metrics.md)',
  handler({ metrics }) {
    if (metrics === undefined) throw new HttpError(404, 'This process is no agent: it has no figures');
    return text(prometheusText(metrics()), { contentType: PROMETHEUS_TEXT });
  },
});
