import { type Admin, startAdmin } from '../../api/admin/admin.ts';
import type { ManualStore } from '../../api/admin/manual.ts';
import type { Logger } from '../../lib/log.ts';
import type { Sockets } from '../../lib/sockets.ts';
import type { Router } from '../../route/router.ts';
import { VERSION } from '../../version.ts';
import { certificateFile } from './certificate-file.ts';
import type { FabioConfig } from './config.ts';
import { shownConfig } from './shown-config.ts';

/** The admin API as `ui.*` says; undefined when it is turned off (`ui.addr` empty). */
export async function startAdminOf(
  config: FabioConfig,
  {
    router,
    manual,
    log,
    sockets,
  }: { router: Router; manual: ManualStore | undefined; log: Logger; sockets: Sockets | undefined },
): Promise<Admin | undefined> {
  const { values, ui, access } = config;
  if (ui === undefined) return undefined;
  const links = {
    scheme: values['ui.routingtable.source.scheme'],
    host: values['ui.routingtable.source.host'],
    port: values['ui.routingtable.source.port'],
    newTab: values['ui.routingtable.source.newtab'],
  };
  return startAdmin({
    router,
    log,
    sockets,
    address: { host: ui.host === '' ? '::' : ui.host, port: ui.port },
    version: VERSION,
    title: values['ui.title'] || 'Muster routes',
    color: values['ui.color'],
    path: values['ui.path'],
    access,
    manual,
    links: values['ui.routingtable.source.linkenabled'] ? links : undefined,
    settings: () => shownConfig(config),
    tls: certificateFile('ui.addr', ui.certificates, config.certificates),
  });
}
