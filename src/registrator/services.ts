import type { ContainerDetails } from '../docker/types.ts';
import { type CheckPlace, checkOf } from './check.ts';
import { type Settings, settingsOf, textOf } from './metadata.ts';
import { type Offer, offersOf, ownAddressOf } from './offers.ts';
import type { RegistratorOptions } from './options.ts';
import { splitTags } from './tags.ts';
import { type ContainerName, type Problem, partsOfId, type Verdict, type WantedService } from './wanted.ts';

/** What is known besides the container itself. */
export interface Surroundings {
  readonly options: RegistratorOptions;
  /** Of services on the host's ports. "" for that of the node they are registered with. */
  readonly hostAddress: string;
  /** Of the node, for checks of services without an address of their own. */
  readonly nodeAddress: string;
  /** The container whose network it shares, if it shares one and that is known. */
  readonly network?: ContainerDetails | undefined;
  /** `-tags` for this container. */
  readonly extraTags: readonly string[];
}

export interface Found {
  readonly services: readonly WantedService[];
  readonly problems: readonly Problem[];
}

/** Keys that are not metadata of the service. Everybody may read metadata: headers of checks carry passwords. */
const OWN_KEYS = new Set(['id', 'name', 'tags', 'ignore', 'check_header']);
/** Keys whose values nobody is shown. */
const SECRET_KEYS = new Set(['check_header']);
/** Consul refuses a registration with metadata beyond these limits. */
const META_KEY = /^(?!consul-)[A-Za-z0-9_-]{1,128}$/;
const MAX_META_VALUE = 512;
const MAX_META_PAIRS = 64;
/** Marks, where the ID does not, whose registration it is. */
export const OWNER_KEY = 'registrator-host';

/**
 * The services of a running container by registrator's rules: one for each published port (each exposed one with
 * `-internal`, and on networks that publish nothing), named by `SERVICE_NAME` or the image, with the port behind the name
 * when there are several.
 */
export function servicesOf(details: ContainerDetails, surroundings: Surroundings): Found {
  const { options } = surroundings;
  const problems: Problem[] = [];
  const services = new Map<string, WantedService>();
  const offers = offersOf(details, labelledAddress(details, options) !== '').filter(
    ({ hostPort, direct }) => options.internal || direct || hostPort !== undefined,
  );
  for (const offer of offers) {
    const service = serviceOf(details, offer, offers.length > 1, surroundings, problems);
    if (service === undefined) continue;
    if (services.has(service.id))
      problems.push({
        container: service.container,
        variable: 'SERVICE_ID',
        message: `the ID "${service.id}" stands for another port already; port ${offer.port} is left out. Use SERVICE_<port>_ID`,
      });
    else services.set(service.id, service);
  }
  return { services: [...services.values()], problems };
}

function serviceOf(
  details: ContainerDetails,
  offer: Offer,
  isGroup: boolean,
  surroundings: Surroundings,
  problems: Problem[],
): WantedService | undefined {
  const { options, extraTags } = surroundings;
  const container = nameOf(details);
  const settings = settingsOf(details.Config, offer.port, offer.protocol);
  if (textOf(settings, 'ignore') !== '') return undefined;
  const given = textOf(settings, 'name');
  if (given === '' && options.explicit) return undefined;
  const name = given || defaultName(details);
  const hasOwnName = given !== '' && settings.get('name')?.ofPort === true;
  const isUdp = offer.protocol === 'udp';
  const place = placeOf(details, offer, surroundings);
  const id =
    textOf(settings, 'id') || `${options.hostname}:${container.name}:${offer.port}${isUdp ? ':udp' : ''}`;
  const report = (key: string, message: string) => {
    const { variable, value } = settings.get(key) ?? { variable: key, value: '' };
    const shown = SECRET_KEYS.has(key) ? '…' : JSON.stringify(value);
    problems.push({ container, variable, message: `${shown}: ${message}` });
  };
  const checkPlace: CheckPlace = {
    address: place.address || surroundings.nodeAddress,
    port: place.port,
    containerId: details.Id,
    innerPort: offer.port,
  };
  const check = checkOf(settings, checkPlace, report);
  const verdict = options.health && check === undefined ? verdictOf(details) : undefined;
  return {
    id,
    name: isGroup && !hasOwnName ? `${name}-${offer.port}` : name,
    ...place,
    tags: [...splitTags(textOf(settings, 'tags')), ...extraTags, ...(isUdp ? ['udp'] : [])],
    meta: metaOf(settings, id, options.hostname, report),
    tagOverride: textOf(settings, 'enable_tag_override').toLowerCase() === 'true',
    check: verdict === undefined ? check : { Name: 'HEALTHCHECK of the container', TTL: VERDICT_TTL },
    verdict,
    container,
  };
}

/** Without the slash that engines put in front. */
export function nameOf({ Id, Name }: Pick<ContainerDetails, 'Id' | 'Name'>): ContainerName {
  return { id: Id, name: Name.replace(/^\//, '') };
}

/**
 * That of its image: "registry:5000/team/web:1.2@sha256:…" gives "web". Some versions of Compose name images by their sum
 * alone: then its service there, else the container's own name.
 */
function defaultName({ Id, Name, Config }: ContainerDetails): string {
  const base = (Config.Image ?? '').replace(/\/+$/, '').split('/').at(-1) ?? '';
  const name = /^[^:@]*/.exec(base)?.[0] ?? '';
  if (name !== '' && name !== 'sha256') return name;
  return Config.Labels?.['com.docker.compose.service'] || nameOf({ Id, Name }).name;
}

/** The address and port that clients are told. */
function placeOf(
  details: ContainerDetails,
  offer: Offer,
  { options, hostAddress, network }: Surroundings,
): { address: string; port: number } {
  const onHost = options.ip || offer.hostAddress || hostAddress;
  const published = { address: onHost, port: offer.hostPort ?? Number(offer.port) };
  const inside = (one: ContainerDetails) => ({
    address: ownAddressOf(one, options.networks) || options.ip || hostAddress,
    port: Number(offer.port),
  });
  let place = options.internal || offer.direct ? inside(details) : published;
  // It has no addresses of its own: those of the container whose network it is on.
  if (network !== undefined) place = inside(network);
  return { ...place, address: labelledAddress(details, options) || place.address };
}

/** What `-useIpFromLabel` says: "10.1.2.3/24", as some networks write it, is "10.1.2.3". "" without it. */
function labelledAddress({ Config }: ContainerDetails, { useIpFromLabel }: RegistratorOptions): string {
  return (Config.Labels?.[useIpFromLabel] ?? '').replace(/\/[^/]*$/, '');
}

/** Everything else that the container says becomes metadata, the settings of the check too, as in registrator. */
function metaOf(
  settings: Settings,
  id: string,
  hostname: string,
  report: (key: string, message: string) => void,
): Record<string, string> {
  const meta: Record<string, string> = {};
  // Only where the ID does not say it: registrations look as registrator's do.
  if (partsOfId(id)?.host !== hostname) meta[OWNER_KEY] = hostname;
  for (const [key, { value }] of settings) {
    if (OWN_KEYS.has(key)) continue;
    if (!META_KEY.test(key))
      report(
        key,
        'not kept as metadata: a key has letters, digits, "-" and "_", at most 128, and does not begin with "consul-"',
      );
    else if (Buffer.byteLength(value) > MAX_META_VALUE)
      report(key, `not kept as metadata: more than ${MAX_META_VALUE} bytes`);
    else if (Object.keys(meta).length >= MAX_META_PAIRS)
      report(key, `not kept as metadata: more than ${MAX_META_PAIRS} of them`);
    else meta[key] = value;
  }
  return meta;
}

/** Long enough that a registrator that is being replaced costs nothing. */
const VERDICT_TTL = '24h';

/** What the engine thinks of a container that has a HEALTHCHECK. One that is still starting gets no traffic. */
function verdictOf({ State }: ContainerDetails): Verdict | undefined {
  const status = State?.Health?.Status;
  if (status === undefined || status === '' || status === 'none') return undefined;
  return { status: status === 'healthy' ? 'passing' : 'critical', output: `the container is ${status}` };
}
