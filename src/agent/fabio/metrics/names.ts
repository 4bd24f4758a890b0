/** Names of metrics as fabio makes them: a prefix and route names by Go templates. */
import { hostname } from 'node:os';
import { MusterError, messageOf } from '../../../errors.ts';
import { fn, STRING, Template } from '../../../template/language/index.ts';

const functions = { clean: fn([STRING], STRING, clean) };

/** What systems that take dots for structure stumble over. */
export function clean(text: string): string {
  return text === '' ? '_' : text.replace(/[.:]/g, '_').toLowerCase();
}

/** `metrics.prefix`. Throws `config.invalid`. */
export function metricPrefix(template: string): string {
  // Its old name for the default.
  const text = template === 'default' ? '{{clean .Hostname}}.{{clean .Exec}}' : template;
  return execute(
    'metrics.prefix',
    text,
  )(
    new Map([
      ['Hostname', hostname()],
      // Names stay what they were.
      ['Exec', 'fabio'],
    ]),
  );
}

export interface RouteMetric {
  readonly service: string;
  readonly host: string;
  readonly path: string;
  /** URL. */
  readonly target: string;
}

/** `metrics.names`, for systems without labels. Throws `config.invalid`. */
export function routeNames(template: string): (route: RouteMetric) => string {
  const run = execute('metrics.names', template);
  return ({ service, host, path, target }) => {
    const [, scheme = '', address = '', targetPath = ''] =
      /^([^:]*):\/\/([^/?#]*)([^?#]*)/.exec(target) ?? [];
    return run(
      new Map<string, string | Map<string, string>>([
        ['Service', service],
        ['Host', host],
        ['Path', path],
        [
          'TargetURL',
          new Map([
            ['Scheme', scheme],
            ['Host', address],
            ['Path', targetPath],
          ]),
        ],
      ]),
    );
  };
}

function execute(setting: string, text: string): (data: Map<string, string | Map<string, string>>) => string {
  try {
    const template = new Template(setting, text, { functions });
    return (data) => template.execute(data);
  } catch (cause) {
    throw new MusterError('config.invalid', `${setting}: ${messageOf(cause)}`, { cause });
  }
}
