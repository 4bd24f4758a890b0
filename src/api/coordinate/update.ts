import { putCoordinate } from '../../catalog/commands/coordinate.ts';
import { vetNode } from '../catalog/vet.ts';
import { decodeBody, float, list, object, string } from '../decode.ts';
import { endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { DIMENSIONS } from '../near.ts';
import { checkDatacenter } from '../read-options.ts';
import { empty } from '../reply.ts';

const BODY = object(
  {
    Datacenter: string,
    Node: string,
    Segment: string,
    Coord: object(
      { Vec: list(float), Error: float, Adjustment: float, Height: float },
      { name: 'Coordinate' },
    ),
    Token: string,
  },
  { name: 'CoordinateUpdateRequest' },
);

export const coordinateUpdate = endpoint({
  method: 'PUT',
  path: '/v1/coordinate/update',
  needs: 'checked',
  summary: 'Sets the network coordinates of a node',
  query: { dc: 'datacenter to ask' },
  body: BODY,
  async handler(context, request) {
    const { Datacenter, Node, Segment, Coord } = await decodeBody(request, BODY);
    checkDatacenter(context, Datacenter || request.query.get('dc'));
    const vec = Coord.Vec ?? [];
    if (vec.length !== DIMENSIONS) throw new HttpError(500, 'incompatible coordinate');
    const place = { vec, error: Coord.Error, adjustment: Coord.Adjustment, height: Coord.Height };
    const { authorizer } = request;
    await context.store.write((tx) => {
      vetNode(tx, authorizer, Node);
      putCoordinate(tx, { node: Node, segment: Segment, ...place });
    });
    return empty();
  },
});
