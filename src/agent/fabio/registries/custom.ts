import * as z from 'zod';
import { MusterError, messageOf } from '../../../errors.ts';
import { sleep } from '../../../lib/clock.ts';
import { httpGet } from '../../../lib/http-get.ts';
import { shownUrl } from '../../../lib/shown-url.ts';
import type { OpenRegistry, RegistryContext } from './kind.ts';

/** A route as the endpoint tells it. */
const rowSchema = z.looseObject({
  cmd: z.string().default('route add'),
  service: z.string(),
  src: z.string(),
  dst: z.string(),
  weight: z.number().default(0),
  tags: z.array(z.string()).nullish(),
  opts: z.record(z.string(), z.string()).nullish(),
});

/** Routes from an HTTP endpoint that is asked again and again. */
export const openCustom: OpenRegistry = ({ values }, log) => {
  const host = values['registry.custom.host'];
  if (host === '')
    throw new MusterError(
      'config.invalid',
      'registry.custom.host is missing: name the host:port that tells the routes',
    );
  const query = values['registry.custom.queryparams'];
  const path = values['registry.custom.path'].replace(/^\/+/, '');
  const url = `${values['registry.custom.scheme']}://${host}/${path}${query === '' ? '' : `?${query}`}`;
  if (!URL.canParse(url))
    throw new MusterError('config.invalid', `registry.custom: scheme, host and path give no URL`);
  const shown = shownUrl(url);
  const ending = new AbortController();
  const ask = async ({ clock, setCommands }: RegistryContext) => {
    let failed = false;
    while (!ending.signal.aborted) {
      try {
        const { body } = await httpGet(url, {
          signal: AbortSignal.any([ending.signal, AbortSignal.timeout(values['registry.custom.timeout'])]),
          tls: { skipVerify: values['registry.custom.checkTLSSkipVerify'] },
        });
        const { text, bad } = commandsOf(body);
        setCommands([{ name: shown, text }]);
        if (failed) log.info('the routes can be asked for again', { url: shown });
        failed = false;
        for (const reason of bad) log.warn('a route of the endpoint is left out', { url: shown, reason });
      } catch (error) {
        if (ending.signal.aborted) return;
        if (!failed)
          log.warn('the routes cannot be asked for; the last ones stay in force', {
            url: shown,
            why: messageOf(error),
          });
        failed = true;
      }
      await sleep(clock, values['registry.custom.pollinterval'], ending.signal);
    }
  };
  return {
    start(context) {
      context.setNoRoutePage(values['registry.custom.noroutehtml']);
      void ask(context);
    },
    stop: () => ending.abort(),
  };
};

/** The rows as commands, one on a line; rows that are none leave an empty line, so that numbers stay. */
export function commandsOf(body: string): { text: string; bad: string[] } {
  const rows: unknown = JSON.parse(body);
  if (!Array.isArray(rows)) throw new Error('the answer is no list of routes');
  const bad: string[] = [];
  const lines = rows.map((row, i) => {
    const { data, error } = rowSchema.safeParse(row);
    if (data === undefined) {
      bad.push(`route ${i + 1}: ${error.issues[0]?.path.join('.')}: ${error.issues[0]?.message}`);
      return '';
    }
    const { cmd, service, src, dst, weight, tags, opts } = data;
    const options = Object.entries(opts ?? {}).map(([name, value]) =>
      value === '' ? name : `${name}=${value}`,
    );
    const fields = [cmd, service, src, dst, ...(weight > 0 ? [`weight ${weight}`] : [])];
    if (tags != null && tags.length > 0) fields.push(`tags "${tags.join(',')}"`);
    if (options.length > 0) fields.push(`opts "${options.join(' ')}"`);
    return fields.join(' ').replace(/[\r\n]+/g, ' ');
  });
  return { text: lines.join('\n'), bad };
}
