/** Functions that ask the registry. What they answer before it is known is empty; nothing is rendered then. */
import {
  type Dependency,
  datacentersDependency,
  keyDependency,
  nodeDependency,
  nodesDependency,
  pairsDependency,
  serviceDependency,
  servicesDependency,
} from '../dependencies/dependency.ts';
import { HealthService, KeyPair, listOf, Node, ServiceSnippet } from '../dependencies/values.ts';
import {
  ANY,
  BOOL,
  fn,
  type GoFunction,
  type GoType,
  STRING,
  STRINGS,
  sliceOf,
  typed,
  type Value,
  ValueError,
  variadic,
} from '../language/index.ts';
import { bound, type Context, type Entry, type Group } from './entry.ts';

/** A function over one dependency that is read from its arguments put together. */
function asking(
  type: GoType,
  dependency: (text: string) => Dependency,
  missing: () => Value,
  summary: string,
  example: string,
  between = '',
): Entry {
  return bound(
    (context) =>
      variadic(
        [STRING],
        type,
        (...texts: string[]) => context.recall(dependency(texts.join(between))) ?? missing(),
      ),
    summary,
    example,
  );
}

const noServices = (): Value => listOf(HealthService, []);

function service(context: Context): GoFunction {
  return variadic([STRING], sliceOf(HealthService.type), (...texts: string[]) => {
    if (texts.length === 0 || texts[0] === '') return noServices();
    return context.recall(serviceDependency(texts.join('|'))) ?? noServices();
  });
}

/** `undefined` is not known yet, `null` that there is no such key. */
function keyValue(context: Context, text: string, mustExist: boolean): string | null | undefined {
  return context.recall(keyDependency(text, mustExist)) as string | null | undefined;
}

interface Pair {
  readonly Key: string;
}

/** `isSafe`: nothing is rendered as long as there is nothing, so that a list that is lost for a moment empties no file. */
function pairs(keep: (key: string) => boolean, isSafe: boolean) {
  return (context: Context): GoFunction =>
    fn([STRING], sliceOf(KeyPair.type), (text: string) => {
      if (text === '') return listOf(KeyPair, []);
      const dependency = pairsDependency(text);
      const all = context.recall(dependency) as Pair[] | undefined;
      const found = (all ?? []).filter(({ Key }) => keep(Key));
      if (isSafe && found.length === 0) context.lack(dependency);
      return listOf(KeyPair, found);
    });
}

const isDirect = (key: string): boolean => key !== '' && !key.includes('/');
const isNoFolder = (key: string): boolean => key !== '' && !key.endsWith('/');

export const CATALOG_FUNCTIONS: Group = {
  service: bound(
    service,
    'Instances of a service: `tag.name@datacenter~near|filter`. The filter is of `any`, `passing` (the default), `warning`, `critical`, `maintenance`, several with commas; it may be an argument of its own.',
    '{{ range service "web|passing,warning" }}server {{ .Address }}:{{ .Port }}{{ end }}',
  ),
  services: asking(
    sliceOf(ServiceSnippet.type),
    servicesDependency,
    () => listOf(ServiceSnippet, []),
    'All services with their tags, of this datacenter or of `@name`.',
    '{{ range services }}{{ .Name }}: {{ .Tags | join "," }}{{ end }}',
  ),
  node: asking(
    ANY,
    nodeDependency,
    () => null,
    "A node (`name@datacenter`, or the agent's own) with its services.",
    '{{ with node "n1" }}{{ .Node.Address }}{{ range .Services }} {{ .Service }}{{ end }}{{ end }}',
  ),
  nodes: asking(
    sliceOf(Node.type),
    nodesDependency,
    () => listOf(Node, []),
    'All nodes: `@datacenter~near`.',
    '{{ range nodes }}{{ .Node }} {{ .Address }}{{ end }}',
  ),
  datacenters: bound(
    (context) =>
      variadic([BOOL], STRINGS, (...ignore: boolean[]) => {
        if (ignore.length > 1)
          throw new ValueError(
            `datacenters: wrong number of arguments, expected 0 or 1, but got ${ignore.length}`,
          );
        return context.recall(datacentersDependency(ignore[0] === true)) ?? typed(STRINGS, []);
      }),
    'Names of all datacenters.',
    '{{ range datacenters }}{{ . }}{{ end }}',
  ),
  key: bound(
    (context) =>
      fn([STRING], STRING, (text: string) => (text === '' ? '' : (keyValue(context, text, true) ?? ''))),
    'The value of a key (`path@datacenter`). Waits for the key to be there.',
    '{{ key "service/redis/maxconns" }}',
  ),
  keyExists: bound(
    (context) =>
      fn([STRING], BOOL, (text: string) => text !== '' && (keyValue(context, text, false) ?? null) !== null),
    'Is there such a key?',
    '{{ if keyExists "on" }}on{{ end }}',
  ),
  keyOrDefault: bound(
    (context) =>
      fn([STRING, STRING], STRING, (text: string, otherwise: string) =>
        text === '' ? otherwise : keyValue(context, text, false) || otherwise,
      ),
    'The value of a key, or a default when it is empty or not there.',
    '{{ keyOrDefault "service/redis/maxconns" "5" }}',
  ),
  ls: bound(
    pairs(isDirect, false),
    'Pairs directly under a path, with `.Path`, `.Key` and `.Value`.',
    '{{ range ls "service/redis" }}{{ .Key }}: {{ .Value }}{{ end }}',
  ),
  safeLs: bound(
    pairs(isDirect, true),
    '`ls` that waits for there to be something.',
    '{{ range safeLs "service/redis" }}{{ .Key }}{{ end }}',
  ),
  tree: bound(
    pairs(isNoFolder, false),
    'All pairs under a path.',
    '{{ range tree "service/redis" }}{{ .Key }}: {{ .Value }}{{ end }}',
  ),
  safeTree: bound(
    pairs(isNoFolder, true),
    '`tree` that waits for there to be something.',
    '{{ range safeTree "service/redis" }}{{ .Key }}{{ end }}',
  ),
};
