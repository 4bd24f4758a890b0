/** Looks at fabio's settings without starting anything: what a start would refuse, and what it would only warn of. */
import { existsSync, readFileSync } from 'node:fs';
import { messageOf } from '../../errors.ts';
import { silentLogger } from '../../lib/log.ts';
import { parseHtpasswd } from '../../proxy/auth.ts';
import { parseCommands } from '../../route/commands.ts';
import { examineFabioConfig, type FabioConfig } from './config.ts';
import { listenerSpecs } from './listener-specs.ts';
import { metricPrefix, routeNames } from './metrics/names.ts';
import type { SettingProblem, SettingSources } from './read.ts';
import { REGISTRIES } from './registries/registries.ts';
import type { SettingName } from './settings.ts';

/** Everything that is wrong, or that has no effect, whether it keeps the balancer from starting or not. */
export function validateFabio(sources: SettingSources): readonly SettingProblem[] {
  const { config, problems, faults } = examineFabioConfig(sources);
  const { values } = config;
  const attempt = (place: SettingName, look: () => unknown): SettingProblem[] => {
    try {
      look();
      return [];
    } catch (error) {
      return [{ place, message: messageOf(error), isWrong: true }];
    }
  };
  return [
    ...problems,
    ...faults,
    ...attempt('proxy.addr', () => listenerSpecs(config)),
    ...attempt('registry.backend', () => REGISTRIES[config.backend](config, silentLogger).stop()),
    ...attempt('metrics.prefix', () => metricPrefix(values['metrics.prefix'])),
    ...attempt('metrics.names', () => routeNames(values['metrics.names'])),
    ...commandProblems(config),
    ...authProblems(config),
  ];
}

function commandProblems({ backend, values }: FabioConfig): SettingProblem[] {
  const setting = 'registry.static.routes';
  const path = values['registry.file.path'];
  // What cannot be read was told by the registry.
  const texts =
    backend === 'static'
      ? [{ name: setting, text: values[setting] }]
      : backend === 'file' && existsSync(path)
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
      const { bad } = parseHtpasswd(readFileSync(file, 'utf8'), true);
      return bad.map((line) => ({
        place,
        message: `${file}, line ${line}: no user with a password or a hash of bcrypt, apr1, {SHA} or {SSHA}`,
        isWrong: true,
      }));
    } catch (error) {
      return [{ place, message: messageOf(error), isWrong: true }];
    }
  });
}
