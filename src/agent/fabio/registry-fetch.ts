/** A `fetch` for a registry behind TLS of a private authority, or one that wants to see our certificate. */
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { MusterError, messageOf } from '../../errors.ts';
import type { SettingValues } from './settings.ts';

/** What the client is to be made with; nothing when the settings say nothing of TLS. */
export function registryFetch(values: SettingValues): { fetch?: typeof globalThis.fetch } {
  const path = (name: 'keyfile' | 'certfile' | 'cafile' | 'capath') => values[`registry.consul.tls.${name}`];
  const skips = values['registry.consul.tls.insecureskipverify'];
  const names = ['keyfile', 'certfile', 'cafile', 'capath'] as const;
  if (!skips && names.every((name) => path(name) === '')) return {};
  const read = (name: (typeof names)[number], file: string): Buffer => {
    try {
      return readFileSync(file);
    } catch (cause) {
      throw new MusterError('config.unreadable', `registry.consul.tls.${name}: ${messageOf(cause)}`, {
        cause,
      });
    }
  };
  const authorities = [
    ...(path('cafile') === '' ? [] : [read('cafile', path('cafile'))]),
    ...(path('capath') === ''
      ? []
      : readdirSync(path('capath')).map((file) => read('capath', join(path('capath'), file)))),
  ];
  const agent = new Agent({
    keepAlive: true,
    rejectUnauthorized: !skips,
    ...(authorities.length === 0 ? {} : { ca: authorities }),
    ...(path('certfile') === '' ? {} : { cert: read('certfile', path('certfile')) }),
    ...(path('keyfile') === '' ? {} : { key: read('keyfile', path('keyfile')) }),
  });
  return {
    fetch: (url, { method = 'GET', headers = {}, body, signal } = {}) =>
      new Promise((resolve, reject) => {
        const options = {
          agent,
          method,
          headers: headers as Record<string, string>,
          ...(signal ? { signal } : {}),
        };
        const going = request(String(url), options, (answer) => {
          const fields = Object.entries(answer.headersDistinct).flatMap(([name, all = []]) =>
            all.map((value): [string, string] => [name, value]),
          );
          const status = answer.statusCode ?? 502;
          const hasBody = status !== 204 && status !== 304;
          if (!hasBody) answer.resume();
          const stream = hasBody ? (Readable.toWeb(answer) as ReadableStream) : null;
          resolve(new Response(stream, { status, headers: fields }));
        });
        going.on('error', reject);
        going.end(body ?? undefined);
      }),
  };
}
