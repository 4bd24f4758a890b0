import type { Rows, TableName } from '../../../catalog/rows.ts';
import type { Packable } from '../../../lib/msgpack-write.ts';
import { RowError, rowLine, rowOf } from '../row-json.ts';
import { FieldError, Fields } from './fields.ts';
import { indexes, type RecordKind } from './kind.ts';

/**
 * Rows that Consul has no struct for stand among the notes that its servers keep for themselves, which it takes along whatever they
 * say (`SystemMetadataRequestType`, since 1.9). A record of a kind that it does not know would end its restore.
 */
export const OWN_ROW = 31;
const PREFIX = 'muster/row/';

export const ownRow: RecordKind = {
  name: 'SystemMetadata',
  take(value, into) {
    const record = new Fields(value);
    if (!record.text('Key').startsWith(PREFIX)) return;
    try {
      into.putWrite(rowOf(record.text('Value')));
    } catch (error) {
      if (error instanceof RowError || error instanceof SyntaxError || error instanceof TypeError)
        throw new FieldError(`Value is no row: ${error.message}`);
      throw error;
    }
  },
};

/** `number` tells the rows of one snapshot apart. */
export function ownRowRecord<T extends TableName>(table: T, row: Rows[T], number: number): Packable {
  return { Key: `${PREFIX}${number}`, Value: rowLine(table, row), ...indexes(row) };
}
