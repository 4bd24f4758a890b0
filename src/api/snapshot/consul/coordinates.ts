import type { Coordinate } from '../../../catalog/rows.ts';
import type { Packed } from '../../../lib/msgpack.ts';
import type { Packable } from '../../../lib/msgpack-write.ts';
import { DIMENSIONS } from '../../near.ts';
import { FieldError, Fields } from './fields.ts';
import type { RecordKind } from './kind.ts';

/** Several at once, though Consul writes one in each record. */
export const coordinates: RecordKind = {
  name: 'CoordinateBatchUpdate',
  take(value, into) {
    if (!Array.isArray(value)) throw new FieldError('it is no list');
    for (const one of value as readonly Packed[]) {
      const record = new Fields(one);
      if (into.isElsewhere(record)) continue;
      const place = record.struct('Coord');
      const vec = place.floats('Vec');
      if (vec.length !== DIMENSIONS)
        throw new FieldError(`Coord.Vec has ${vec.length} numbers, not ${DIMENSIONS}`);
      into.put('coordinates', {
        node: record.needed('Node'),
        segment: record.text('Segment'),
        vec,
        error: place.float('Error'),
        adjustment: place.float('Adjustment'),
        height: place.float('Height'),
      });
    }
  },
};

export function coordinatesRecord({ node, segment, vec, error, adjustment, height }: Coordinate): Packable {
  const place = { Vec: vec, Error: error, Adjustment: adjustment, Height: height };
  return [{ Node: node, Segment: segment, Coord: place }];
}
