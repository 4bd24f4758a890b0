/** What lies outside the registry: environment, files, the clock, this machine's addresses. */
import fs from 'node:fs';
import path from 'node:path';
import { messageOf } from '../../errors.ts';
import { fillAddress } from '../../lib/sockaddr.ts';
import { fileDependency } from '../dependencies/dependency.ts';
import { ANY, fn, STRING, type Value, ValueError, variadic } from '../language/index.ts';
import { bound, type Context, type Group, own } from './entry.ts';
import { formatTime, RFC3339 } from './time.ts';

/** The path with its links followed, if it lies in the sandbox. */
function inSandbox(sandbox: string, file: string): string {
  if (sandbox === '') return path.normalize(file);
  const real = (what: string, one: string): string => {
    try {
      return fs.realpathSync(one);
    } catch (cause) {
      throw new ValueError(`failed to resolve ${what} path: ${messageOf(cause)}`, { cause });
    }
  };
  const target = real('target', file);
  const relative = path.relative(real('sandbox', sandbox), target);
  if (relative === '..' || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative))
    throw new ValueError(`'${file}' is outside of sandbox`);
  return target;
}

function writeToFile(
  context: Context,
  [file = '', user = '', group = '', mode = '', ...rest]: string[],
): Value {
  if (rest.length !== 1 && rest.length !== 2)
    throw new ValueError(
      `writeToFile: expected 5 or 6 arguments (path, user, group, permissions, flags, content), got ${4 + rest.length}`,
    );
  const flags = rest.length === 2 ? (rest[0] as string) : '';
  const content = rest.at(-1) as string;
  if (!/^[0-7]{1,4}$/.test(mode) && !/^0[0-7]{4}$/.test(mode))
    throw new ValueError(`writeToFile: expected permissions such as "0644", got "${mode}"`);
  context.write({
    path: path.normalize(file),
    content: content + (flags.includes('newline') ? '\n' : ''),
    user,
    group,
    mode: Number.parseInt(mode, 8),
    append: flags.includes('append'),
  });
  return '';
}

function timestamp(context: Context, layouts: string[]): Value {
  if (layouts.length > 1)
    throw new ValueError(`timestamp: wrong number of arguments, expected 0 or 1, but got ${layouts.length}`);
  const [layout = RFC3339] = layouts;
  return layout === 'unix' ? String(Math.floor(context.now() / 1000)) : formatTime(context.now(), layout);
}

function sockaddr(words: string[]): Value {
  const template = `{{ ${words.join(' ')} }}`;
  const filled = fillAddress(template);
  if (filled === template)
    throw new ValueError(
      `sockaddr: nothing fits ${JSON.stringify(words.join(' '))}; known are GetPrivateIP, GetInterfaceIP "eth0" and the like, and GetAllInterfaces | include "network" "10.0.0.0/8" | attr "address"`,
    );
  return filled;
}

export const ENVIRONMENT_FUNCTIONS: Group = {
  env: bound(
    (context) => fn([STRING], STRING, (name: string) => context.environment(name) ?? ''),
    'A variable of the environment.',
    '{{ env "HOSTNAME" }}',
  ),
  envOrDefault: bound(
    (context) =>
      fn(
        [STRING, STRING],
        STRING,
        (name: string, otherwise: string) => context.environment(name) ?? otherwise,
      ),
    'A variable, or a default when it is not set.',
    '{{ envOrDefault "PORT" "8080" }}',
  ),
  mustEnv: bound(
    (context) =>
      fn([STRING], STRING, (name: string) => {
        const value = context.environment(name) ?? '';
        if (value === '') throw new ValueError(`required environment variable ${name} is empty`);
        return value;
      }),
    'A variable that has to be set.',
    '{{ mustEnv "TOKEN" }}',
  ),
  file: bound(
    (context) =>
      fn([STRING], STRING, (name: string) =>
        name === '' ? '' : (context.recall(fileDependency(inSandbox(context.sandbox, name.trim()))) ?? ''),
      ),
    'What is in a file; followed like everything else.',
    '{{ file "/etc/motd" }}',
  ),
  timestamp: bound(
    (context) => variadic([STRING], STRING, (...layouts: string[]) => timestamp(context, layouts)),
    "The time, in UTC; in a layout of Go's or as `unix`.",
    '{{ timestamp "2006-01-02" }}',
  ),
  sockaddr: own(
    variadic([STRING], STRING, (...words: string[]) => sockaddr(words)),
    "An address of this machine, in go-sockaddr's notation.",
    '{{ sockaddr "GetPrivateIP" }}',
  ),
  executeTemplate: bound(
    (context) =>
      variadic([STRING, ANY], STRING, (name: string, ...data: Value[]) => {
        if (data.length > 1)
          throw new ValueError(
            `executeTemplate: wrong number of arguments, expected 1 or 2, but got ${data.length + 1}`,
          );
        return context.execute(name, data[0]);
      }),
    'What a defined template writes, as a value.',
    '{{ executeTemplate "part" . | indent 4 }}',
  ),
  plugin: bound(
    (context) =>
      variadic([STRING, STRING], STRING, (program: string, ...words: string[]) =>
        program === '' ? '' : (context.ask(program, words) ?? ''),
      ),
    'What a program prints, given the other arguments. It runs once everything else that the template needs is known, and has 30 seconds.',
    '{{ key "conf" | plugin "./decrypt" "-json" }}',
  ),
  writeToFile: bound(
    (context) =>
      variadic([STRING, STRING, STRING, STRING, STRING], STRING, (...given: string[]) =>
        writeToFile(context, given),
      ),
    'Writes another file: path, user, group, permissions, flags (`append`, `newline`; may be left out), content. Only once the whole rendering is known.',
    '{{ key "cert" | writeToFile "/etc/cert.pem" "root" "root" "0600" }}',
  ),
};
