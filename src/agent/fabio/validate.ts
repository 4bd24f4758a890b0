/** Looks at fabio's settings without starting anything: what a start would refuse, and what it would only warn of. */
import { readFileSync } from 'node:fs';
import { messageOf } from '../../errors.ts';
import { silentLogger } from '../../lib/log.ts';
import { parseHtpasswd } from '../../proxy/auth.ts';
import { parseCommands } from '../../route/commands.ts';
import { type FabioConfig, readFabioConfig } from './config.ts';
import { listenerSpecs } from './listener-specs.ts';
import { metricPrefix, routeNames } from './metrics/names.ts';
import type { SettingProblem, SettingSources } from './read.ts';
import { REGISTRIES } from './registries/registries.ts';

/** Everything that is wrong, or that has no effect. Throws `config.*` for what keeps the balancer from starting. */
export function validateFabio(sources: SettingSources): readonly SettingProblem[] {
  const { config, problems } = readFabioConfig(sources);
  const { values } = config;
  listenerSpecs(config);
  REGISTRIES[config.backend](config, silentLogger).stop();
  metricPrefix(values['metrics.prefix']);
  routeNames(values['metrics.names']);
  return [...problems, ...commandProblems(config), ...authProblems(config)];
}

function commandProblems({ backend, values }: FabioConfig): SettingProblem[] {
  const setting = 'registry.static.routes';
  const path = values['registry.file.path'];
  const texts =
    backend === 'static'
      ? [{ name: setting, text: values[setting] }]
      : backend === 'file'
        ? [{ name: path, text: readFileSync(path, 'utf8') }]
        : [];
  return parseCommands(texts).problems.map(({ reason }) => ({
    place: backend === 'static' ? setting : 'registry.file.path',
    message: reason,
    isWrong: true,
  }));
}

function authProblems({ auth }: FabioConfig): SettingProblem[] {
  return auth.flatMap(({ name, file }): SettingProblem[] => {
    const place = `proxy.auth '${name}'`;
    try {
      const { bad } = parseHtpasswd(readFileSync(file, 'utf8'));
      return bad.map((line) => ({
        place,
        message: `${file}, line ${line}: no user with a hash of bcrypt, apr1 or {SHA}`,
        isWrong: true,
      }));
    } catch (error) {
      return [{ place, message: messageOf(error), isWrong: true }];
    }
  });
}
