import { visibleChecks } from '../../acl/visible.ts';
import type { Check } from '../../catalog/rows.ts';
import { nodeKey } from '../../catalog/tables.ts';
import type { ApiContext } from '../context.ts';
import type { ApiRequest } from '../endpoint.ts';
import { CHECK_FIELDS } from '../filter/fields.ts';
import { compileFilter } from '../filter/filter.ts';
import { sortNear } from '../near.ts';
import { hasMeta, nodeMetaOf } from '../node-meta.ts';
import { type CheckWire, checkWire } from '../wire/check.ts';

/** Reads what a list of checks is asked for; the answer makes the JSON of the checks it is given. */
export function checkList(
  context: ApiContext,
  request: ApiRequest,
  { byNodeMeta = true } = {},
): (checks: Check[]) => CheckWire[] {
  const { query } = request;
  const filter = compileFilter(query.get('filter'), CHECK_FIELDS);
  const meta = byNodeMeta ? nodeMetaOf(query) : [];
  const { catalog } = context;
  return (checks) => {
    const kept = visibleChecks(request.authorizer, checks).filter(
      ({ node }) => meta.length === 0 || hasMeta(catalog.get('nodes', nodeKey(node))?.meta, meta),
    );
    return sortNear(context, query.get('near'), kept, ({ node }) => node)
      .map(checkWire)
      .filter(filter);
  };
}
