/** What the page of the API shows, from the agent's own OpenAPI description. Pure. */

export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters: readonly {
    readonly name: string;
    readonly in: 'path' | 'query';
    readonly description?: string;
  }[];
  readonly requestBody?: {
    readonly description?: string;
    readonly content: Readonly<Record<string, unknown>>;
  };
}

export interface Call extends Operation {
  /** "GET /v1/kv/{key}" */
  readonly id: string;
  readonly method: string;
  readonly path: string;
}

/** All calls below the first word of their paths, both in the order of the alphabet; those that fit what is looked for. */
export function callsOf({ paths }: OpenApi, wanted: string): [tag: string, calls: Call[]][] {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const byTag = new Map<string, Call[]>();
  for (const path of Object.keys(paths).sort())
    for (const [verb, operation] of Object.entries(paths[path] ?? {})) {
      const method = verb.toUpperCase();
      const text = `${method} ${path} ${operation.summary}`.toLowerCase();
      if (!words.every((word) => text.includes(word))) continue;
      const tag = operation.tags[0] ?? '';
      const calls = byTag.get(tag) ?? [];
      byTag.set(tag, calls);
      calls.push({ ...operation, id: `${method} ${path}`, method, path });
    }
  return [...byTag].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The address of a call with its fields filled in: those of the path in their place, those of the query that are not empty. */
export function addressOfCall({ path, parameters }: Call, fields: Readonly<Record<string, string>>): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    // What has slashes (a key) keeps them.
    (fields[name] ?? '').split('/').map(encodeURIComponent).join('/'),
  );
  const query = parameters
    .filter(({ name, in: place }) => place === 'query' && (fields[name] ?? '') !== '')
    .map(({ name }) => `${name}=${encodeURIComponent(fields[name] ?? '')}`);
  return query.length === 0 ? filled : `${filled}?${query.join('&')}`;
}

/** The first field of the path that nothing stands in. */
export function missingField(
  { parameters }: Call,
  fields: Readonly<Record<string, string>>,
): string | undefined {
  return parameters.find(({ name, in: place }) => place === 'path' && !fields[name])?.name;
}
