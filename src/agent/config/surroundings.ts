/** What of a checked configuration does not fit what is around it, for whoever asks before the start: files that it names, tags that make no route. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileTrouble } from '../../errors.ts';
import { parseRouteTag } from '../../route/tag.ts';
import type { Path } from './places.ts';
import type { Config } from './schema.ts';

export interface Remark {
  /** In our words, from the top of the configuration. */
  readonly path: Path;
  readonly message: string;
  /** The agent would not start. */
  readonly isFault: boolean;
}

/** Reads what is named: on another machine than that of the agent it may say what is not so there. */
export function remarksOn(config: Config): Remark[] {
  return [...remarksOnFiles(config), ...remarksOnServices(config)];
}

function remarksOnFiles({ balancer, api, log, ports }: Config): Remark[] {
  const remarks: Remark[] = [];
  const tryOut = (isFault: boolean, at: Path, file: string, does: string, attempt: () => unknown): void => {
    try {
      attempt();
    } catch (error) {
      remarks.push({ path: at, message: `cannot ${does} ${file}: ${fileTrouble(error)}`, isFault });
    }
  };
  /** `part` of `table`, where it names a file. */
  const isReadable = <Part extends string>(
    isFault: boolean,
    at: Path,
    table: Readonly<Partial<Record<Part, string | undefined>>>,
    ...parts: Part[]
  ): void => {
    for (const part of parts) {
      const file = table[part];
      if (file !== undefined) tryOut(isFault, [...at, part], file, 'read', () => readFileSync(file));
    }
  };
  /** It is made when the first line comes, its folder is not. */
  const isWritable = (isFault: boolean, at: Path, file: string): void =>
    tryOut(isFault, at, file, 'write', () => statSync(file.endsWith('/') ? file : `${path.dirname(file)}/`));

  if (log.file !== undefined) isWritable(true, ['log', 'file'], log.file);
  // What certificates are missing is asked for again all the time, and the agent starts without.
  if (ports.https >= 0 && api.tls !== undefined)
    isReadable(false, ['api', 'tls'], api.tls, 'cert', 'key', 'clientCa');
  if (!balancer.enabled) return remarks;
  for (const [i, scheme] of balancer.auth.entries())
    isReadable(true, ['balancer', 'auth', i], scheme, 'file');
  isReadable(true, ['balancer', 'noRoute'], balancer.noRoute, 'page');
  for (const [i, { upstreamTls }] of balancer.service.entries())
    isReadable(true, ['balancer', 'service', i, 'upstreamTls'], upstreamTls ?? {}, 'ca', 'cert', 'key');
  for (const [i, source] of balancer.certificates.entries())
    if (source.kind === 'file')
      isReadable(false, ['balancer', 'certificates', i], source, 'cert', 'key', 'clientCa');
  const { target = 'stdout' } = balancer.accessLog ?? {};
  if (target !== 'stdout') isWritable(false, ['balancer', 'accessLog', 'target'], target);
  return remarks;
}

function remarksOnServices({ service: services, check: checks, balancer }: Config): Remark[] {
  const remarks: Remark[] = [];
  const remark = (at: Path, message: string) => remarks.push({ path: at, message, isFault: false });
  const checkUrl = (at: Path, { http }: { readonly http?: string | undefined }) => {
    if (http !== undefined && !/^https?:\/\/./i.test(http))
      remark(
        [...at, 'http'],
        `expected a URL that begins with http:// or https://, got "${http}"; this check never passes`,
      );
  };
  const seen = new Set<string>();
  for (const [i, { name, id = name, tags, check, checks: more }] of services.entries()) {
    const at: Path = ['service', i];
    if (seen.has(id))
      remark(
        at,
        `takes the place of the other service with the id "${id}": give one of them an id of its own`,
      );
    seen.add(id);
    for (const [j, tag] of balancer.enabled ? tags.entries() : [])
      for (const message of faultsOfTag(tag, balancer)) remark([...at, 'tags', j], message);
    if (check !== undefined) checkUrl([...at, 'check'], check);
    for (const [j, one] of more.entries()) checkUrl([...at, 'checks', j], one);
  }
  for (const [i, one] of checks.entries()) checkUrl(['check', i], one);
  return remarks;
}

/** What the balancer would say of it. */
function faultsOfTag(tag: string, { tagPrefix: prefix, auth }: Config['balancer']): readonly string[] {
  const route = parseRouteTag(tag, { prefix, variables: {}, globs: true });
  if (route === undefined) return [];
  if (typeof route === 'string') return [route];
  const { notes, obstacle, handling } = route;
  const scheme = handling.auth;
  const isClosed = scheme !== undefined && auth.every(({ name }) => name !== scheme);
  return [
    ...notes,
    ...(obstacle === '' ? [] : [obstacle]),
    ...(isClosed
      ? [`auth=${scheme}: there is no [[balancer.auth]] of this name, so everybody hears 401`]
      : []),
  ];
}
