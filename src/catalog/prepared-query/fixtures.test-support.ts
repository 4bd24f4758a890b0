import type { PreparedQuery, QueriedService } from '../rows.ts';
import type { Draft } from '../transaction.ts';

/** For tests: a query with Consul's defaults, but for what is given. */
export function queryDraft(
  given: Partial<Omit<Draft<PreparedQuery>, 'service' | 'template'>> & {
    service?: Partial<QueriedService>;
    template?: Partial<PreparedQuery['template']>;
  } = {},
): Draft<PreparedQuery> {
  return {
    id: '11111111-2222-3333-4444-555555555555',
    name: 'q',
    session: '',
    token: '',
    dns: { ttl: '' },
    ...given,
    template: { type: '', regexp: '', removeEmptyTags: false, ...given.template },
    service: {
      service: 'web',
      failover: { nearestN: 0, datacenters: null },
      onlyPassing: false,
      ignoreCheckIds: null,
      near: '',
      tags: null,
      nodeMeta: null,
      serviceMeta: null,
      connect: false,
      ...given.service,
    },
  };
}
