import type { DnsCounts } from '../../dns/counts.ts';
import { type Metrics, single } from './metric.ts';

/** What name servers are read from. */
export interface DnsSources {
  readonly dns: DnsCounts;
}

export const dnsMetrics: Metrics<DnsSources> = {
  muster_dns_answers_total: {
    type: 'counter',
    help: 'Answers to DNS questions by transport and response code.',
    labels: ['transport', 'rcode'],
    read: ({ dns }) => dns.samples(),
  },
  muster_dns_forward_answers_total: {
    type: 'counter',
    help: 'How names that are not in the catalog were answered: `kept` from the cache, `local` from hosts files and fixed addresses, `asked` of other name servers, `stale` by old answers in need, `failed` not at all.',
    labels: ['from'],
    read: ({ dns }) => dns.forward.samples(),
  },
  muster_dns_forward_kept: single(
    'gauge',
    'Answers of other name servers that are kept.',
    ({ dns }) => dns.forward.cached,
  ),
};
