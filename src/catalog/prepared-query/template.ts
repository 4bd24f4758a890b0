import { MusterError } from '../../errors.ts';
import { compileGoRegexp, type GoRegexp } from '../../lib/go-regexp.ts';
import { RegexpSyntaxError } from '../../lib/go-regexp-syntax.ts';
import { compileInterpolation, type Interpolation, InterpolationError } from '../../lib/interpolation.ts';
import type { PreparedQuery, QueriedService } from '../rows.ts';
import type { Draft } from '../transaction.ts';

/** The only kind of template: the query's name is the prefix of the names that it answers to. */
export const NAME_PREFIX_MATCH = 'name_prefix_match';

export interface QueryTemplate {
  /**
   * What to ask for under `name`, which starts with the name of the template. Throws `request.rejected` where an
   * expression has no value for it.
   */
  render(name: string): QueriedService;
}

/**
 * Reads the expressions in the texts of a query and tries them with the shortest name they can meet. Throws
 * `request.rejected` in Consul's words.
 */
export function compileTemplate({ name: prefix, template, service }: Draft<PreparedQuery>): QueryTemplate {
  if (template.type !== NAME_PREFIX_MATCH) throw refused(`Bad Template.Type '${template.type}'`);
  const texts = new Map<string, Interpolation>();
  mapTexts(service, (text, path) => {
    texts.set(
      path,
      inWords(() => compileInterpolation(text), `Bad format '${text}' in Service${path}`),
    );
    return text;
  });
  const regexp = template.regexp === '' ? undefined : compileRegexp(template.regexp);

  function render(name: string): QueriedService {
    const groups = regexp?.find(name) ?? [];
    const scope = {
      variables: new Map([
        ['name.full', name],
        ['name.prefix', prefix],
        ['name.suffix', name.startsWith(prefix) ? name.slice(prefix.length) : name],
        // There are no network segments.
        ['agent.segment', ''],
      ]),
      functions: new Map([['match', (number: number) => groups[number] ?? '']]),
    };
    const rendered = mapTexts(service, (text, path) =>
      inWords(
        () => (texts.get(path) as Interpolation).evaluate(scope),
        `Bad evaluation for '${text}' in Service${path}`,
      ),
    );
    if (!template.removeEmptyTags) return rendered;
    return { ...rendered, tags: (rendered.tags ?? []).filter((tag) => tag !== '') };
  }

  render(prefix);
  return { render };
}

/** The same with every text replaced; `path` names the field as Consul's errors do. */
function mapTexts(service: QueriedService, replace: (text: string, path: string) => string): QueriedService {
  const list = (texts: readonly string[] | null, path: string) =>
    texts === null ? null : texts.map((text, i) => replace(text, `${path}[${i}]`));
  const values = (texts: Readonly<Record<string, string>> | null, path: string) =>
    texts === null
      ? null
      : Object.fromEntries(
          Object.entries(texts).map(([key, text]) => [key, replace(text, `${path}[${key}]`)]),
        );
  return {
    service: replace(service.service, '.Service'),
    failover: {
      nearestN: service.failover.nearestN,
      datacenters: list(service.failover.datacenters, '.Failover.Datacenters'),
    },
    onlyPassing: service.onlyPassing,
    ignoreCheckIds: list(service.ignoreCheckIds, '.IgnoreCheckIDs'),
    near: replace(service.near, '.Near'),
    tags: list(service.tags, '.Tags'),
    nodeMeta: values(service.nodeMeta, '.NodeMeta'),
    serviceMeta: values(service.serviceMeta, '.ServiceMeta'),
    connect: service.connect,
  };
}

function compileRegexp(pattern: string): GoRegexp {
  try {
    return compileGoRegexp(pattern);
  } catch (error) {
    if (error instanceof RegexpSyntaxError) throw refused(`Bad Regexp: ${error.message}`);
    throw error;
  }
}

function inWords<T>(act: () => T, words: string): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof InterpolationError) throw refused(`${words}: ${error.message}`);
    throw error;
  }
}

function refused(message: string): MusterError {
  return new MusterError('request.rejected', message);
}
