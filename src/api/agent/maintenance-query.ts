import { badRequest } from '../http-error.ts';
import type { Query } from '../query.ts';

/** Their documentation, for the rows of the table. */
export const MAINTENANCE_QUERY = {
  enable: 'true begins maintenance, false ends it',
  reason: 'why, for those who look',
} as const;

const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

/** The reason when maintenance begins ("" for none), undefined when it ends. Throws 400 in Consul's words. */
export function maintenanceReason(query: Query): string | undefined {
  if (!query.has('enable')) throw badRequest('Missing value for enable');
  const enable = query.get('enable');
  if (TRUE.has(enable)) return query.get('reason');
  if (FALSE.has(enable)) return undefined;
  throw badRequest(`Invalid value for enable: ${JSON.stringify(enable)}`);
}
