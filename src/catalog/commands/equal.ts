import { isDeepStrictEqual } from 'node:util';
import type { Indexed } from '../rows.ts';
import type { Draft } from '../transaction.ts';

/** True when writing `draft` would change nothing: such a write must not move any index. */
export function isUnchanged<Row extends Indexed>(row: Row | undefined, draft: Draft<Row>): boolean {
  if (row === undefined) return false;
  const { createIndex: _created, modifyIndex: _modified, ...content } = row;
  return isDeepStrictEqual(content, draft);
}
