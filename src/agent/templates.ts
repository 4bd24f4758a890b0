import path from 'node:path';
import type { Catalog } from '../catalog/catalog.ts';
import { MusterError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { followHaproxy } from '../template/haproxy/output.ts';
import { Runner, type TemplateReport } from '../template/runner.ts';
import { DEFAULT_TEMPLATE, type TemplateSettings } from '../template/settings.ts';
import { CatalogSource } from '../template/sources/catalog.ts';
import type { Config } from './config/schema.ts';

export interface AgentTemplatesParts {
  readonly templates: Config['template'];
  readonly haproxy: Config['haproxy'];
  readonly catalog: Catalog;
  readonly node: { readonly name: string; readonly datacenter: string };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Variables that commands get besides the environment. */
  readonly variables: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

export interface AgentTemplates {
  /** Takes other templates; those that cannot be read stay as they were. HAProxy's backends stay until a restart. */
  reload(templates: Config['template']): void;
  reports(): readonly TemplateReport[];
  sourceErrors(): number;
  stop(): Promise<void>;
}

/** Renders templates from the agent's own catalog. Throws `config.invalid`. */
export function startAgentTemplates(parts: AgentTemplatesParts): AgentTemplates {
  const { catalog, node, env, variables, clock, random, logger } = parts;
  const source = new CatalogSource({ catalog, node: node.name, datacenter: node.datacenter });
  const runner = new Runner({
    templates: parts.templates.map(settingsOf),
    source,
    wait: undefined,
    once: false,
    print: undefined,
    child: undefined,
    variables,
    attempts: undefined,
    failOnAbsence: false,
    exitAfter: undefined,
    environment: env,
    clock,
    random,
    log: logger.child('template'),
  });
  runner.start();
  const outputs = parts.haproxy.map((settings) =>
    followHaproxy(settings, { source, clock, log: logger.child('haproxy') }),
  );
  return {
    reports: () => runner.reports(),
    sourceErrors: () => runner.sourceErrors,
    reload: (templates) => runner.reload(templates.map(settingsOf)),
    async stop() {
      await Promise.all([runner.stop(), ...outputs.map((output) => output.stop())]);
    },
  };
}

function settingsOf(entry: Config['template'][number]): TemplateSettings {
  const { source, contents, destination, leftDelimiter, rightDelimiter, wait, ...rest } = entry;
  if ((source === undefined) === (contents === undefined))
    throw new MusterError(
      'config.invalid',
      `[[template]] ${destination}: give either source (a file) or contents`,
    );
  const { min, max } = wait;
  return {
    ...DEFAULT_TEMPLATE,
    ...rest,
    source: source === undefined ? undefined : path.resolve(source),
    contents,
    destination: path.resolve(destination),
    delimiters: { left: leftDelimiter, right: rightDelimiter },
    wait: min === 0 ? undefined : { min, max: Math.max(min, max ?? min * 4) },
  };
}
