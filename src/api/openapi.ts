import type { ApiContext } from './context.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { json } from './reply.ts';

/** OpenAPI 3.1 of a table of endpoints. */
function openApi(endpoints: readonly Endpoint[], version: string): unknown {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const row of endpoints) {
    const path = row.path.replace(/:([A-Za-z_]+)/g, '{$1}');
    paths[path] ??= {};
    paths[path][row.method.toLowerCase()] = operation(row);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Muster HTTP API',
      version,
      description: "Compatible with Consul's HTTP API; Muster's own endpoints are below /v1/muster.",
      license: { name: 'MIT', identifier: 'MIT' },
    },
    paths,
    components: {
      securitySchemes: { token: { type: 'apiKey', in: 'header', name: 'X-Consul-Token' } },
    },
    security: [{}, { token: [] }],
  };
}

function operation({ method, path, summary, query = {}, body }: Endpoint): unknown {
  const inPath = [...path.matchAll(/:([A-Za-z_]+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const inQuery = Object.entries(query).map(([name, description]) => ({
    name,
    in: 'query',
    description,
    schema: { type: 'string' },
    allowEmptyValue: true,
  }));
  return {
    operationId: `${method.toLowerCase()}${path.replace(/[/:_-]+(.)?/g, (_, next: string | undefined) => (next ?? '').toUpperCase())}`,
    tags: [path.split('/')[2] ?? 'api'],
    summary,
    parameters: [...inPath, ...inQuery],
    ...(body === undefined ? {} : { requestBody: requestBody(body) }),
    responses: { default: { description: 'see the summary' } },
  };
}

function requestBody(body: NonNullable<Endpoint['body']>): unknown {
  return typeof body === 'string'
    ? { description: body, content: { 'application/octet-stream': {} } }
    : { content: { 'application/json': { schema: body.schema } } };
}

/** `GET /v1/muster/openapi.json` over the table that `table` answers (itself included). */
export function openApiEndpoint(table: () => readonly Endpoint[]): Endpoint {
  return endpoint({
    method: 'GET',
    path: '/v1/muster/openapi.json',
    needs: 'nothing',
    summary: 'This reference, as OpenAPI 3.1',
    handler: (context: ApiContext) => json(openApi(table(), context.node.version)),
  });
}
