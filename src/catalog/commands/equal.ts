import { isSame } from '../../lib/same.ts';
import type { Indexed } from '../rows.ts';
import type { Draft } from '../transaction.ts';

const POSITIONS: ReadonlySet<string> = new Set<keyof Indexed>(['createIndex', 'modifyIndex']);

/** True when writing `draft` would change nothing: such a write must not move any index. */
export function isUnchanged<Row extends Indexed>(row: Row | undefined, draft: Draft<Row>): boolean {
  return row !== undefined && isSame(row, draft, POSITIONS);
}
