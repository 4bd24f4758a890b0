/** docs/reference/fabio-settings.md, from the table of settings. */
import { formatDuration } from '../../lib/duration.ts';
import { FABIO_SETTINGS, SETTING_NAMES, type Setting } from './settings.ts';

export function fabioReference(): string {
  const rows = SETTING_NAMES.map((name) => {
    const setting: Setting = FABIO_SETTINGS[name];
    const here = setting.ignored === undefined ? 'as in fabio' : `no effect: ${setting.ignored}`;
    return `| \`${name}\` | ${usualOf(setting)} | ${here} |`;
  });
  return [
    "# fabio's settings",
    '',
    '<!-- Made from src/agent/fabio/settings.ts by `node scripts/docs.mjs`. -->',
    '',
    'Every setting that `muster lb -cfg fabio.properties` takes, with its default. Each is a flag (`-proxy.addr=:80`) and a variable',
    '(`FABIO_PROXY_ADDR`) too. What has no effect is said at the start. Where they stand in `muster.toml`, and what is other:',
    '[from fabio](../moving/from-fabio.md).',
    '',
    '| setting | default | here |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function usualOf({ kind, usual }: Setting): string {
  if (Array.isArray(usual)) return usual.length === 0 ? '' : `\`${usual.join(',')}\``;
  if (usual === '') return '';
  return `\`${kind === 'duration' ? formatDuration(Number(usual)) : usual}\``;
}
