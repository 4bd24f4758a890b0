/** The configuration's sections about HTTP as the data path takes them, with what their files say. */
import { createHmac } from 'node:crypto';
import { fileTrouble, MusterError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { type HeaderSettings, type ProxySettings, strictTransportOf } from '../proxy/settings.ts';
import { followAuthFiles } from './auth-files.ts';
import type { HttpConfig } from './config/http.ts';
import type { Config } from './config/schema.ts';
import { followFile } from './followed-file.ts';

/** How often (ms) the page without a route is looked at. */
const LOOK = 3_000;

export interface FollowOptions {
  /** What users call the schemes of passwords. */
  readonly setting?: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly tell: (settings: ProxySettings) => void;
}

/**
 * Tells the settings, at once and again when a file changed. Throws `config.unreadable`, before anything is told, when one cannot be
 * read. The answer ends it.
 */
export function followSettings(
  config: HttpConfig,
  { setting = 'balancer.auth', clock, log, tell }: FollowOptions,
): () => void {
  let settings = settingsOf(config);
  let isComplete = false;
  const change = (part: Partial<ProxySettings>) => {
    settings = { ...settings, ...part };
    if (isComplete) tell(settings);
  };
  const stopAuth = followAuthFiles(
    config.auth.map(({ realm, ...rest }) => ({ ...rest, realm: realm ?? rest.name })),
    { setting, clock, log, tell: (auth) => change({ auth }) },
  );
  const { status, page } = config.noRoute;
  let stopPage = () => {};
  try {
    if (page !== undefined)
      stopPage = followFile(page, LOOK, {
        clock,
        log,
        tell: (html) => change({ noRoute: { status, html } }),
      });
  } catch (cause) {
    stopAuth();
    throw new MusterError(
      'config.unreadable',
      `balancer.no_route.page: cannot read ${page}: ${fileTrouble(cause)}`,
      { cause },
    );
  }
  isComplete = true;
  tell(settings);
  return () => {
    stopAuth();
    stopPage();
  };
}

/** All that is said without looking into files. */
export function settingsOf({ headers, compression, accessLog, noRoute }: HttpConfig): ProxySettings {
  const fields = headersOf(headers);
  return {
    noRoute: { status: noRoute.status },
    ...(Object.keys(fields).length === 0 ? {} : { headers: fields }),
    ...(compression === undefined ? {} : { compress: patternOf(compression.types) }),
    ...(accessLog === undefined ? {} : { accessLog }),
  };
}

function headersOf({
  clientIp,
  requestId,
  tls,
  tlsValue,
  trace,
  strictTransport,
}: HttpConfig['headers']): HeaderSettings {
  return {
    ...(clientIp === undefined ? {} : { clientIp }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(tls === undefined ? {} : { tls: { name: tls, value: tlsValue } }),
    ...(trace ? { trace } : {}),
    ...(strictTransport === undefined
      ? {}
      : { strictTransport: strictTransportOf(Math.floor(strictTransport.maxAge / 1_000), strictTransport) }),
  };
}

/** Parameters such as `charset` do not matter. */
function patternOf(types: readonly string[]): string {
  const parts = types.map((type) =>
    type
      .split('*')
      .map((part) => part.replace(/[.+^$]/g, '\\$&'))
      .join('[^;/]*'),
  );
  return `(?i)^(?:${parts.join('|')})[ \\t]*(?:;|$)`;
}

/** What cookies of sticky routes are made with: what is configured, else the same on all nodes of a cluster, else this node's own. */
export function stickyKey(
  { balancer, cluster }: Pick<Config, 'cluster'> & { balancer: Pick<Config['balancer'], 'stickyKey'> },
  nodeId: string,
): string {
  if (balancer.stickyKey !== '') return balancer.stickyKey;
  return createHmac('sha256', cluster.encrypt || nodeId)
    .update('cookies of sticky routes')
    .digest('base64url');
}
