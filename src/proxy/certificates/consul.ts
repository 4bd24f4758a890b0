import { Client, type ClientOptions } from '../../client/index.ts';
import { messageOf } from '../../errors.ts';
import { pairUp } from './pairs.ts';
import type { Findings, SourceContext, SourceKind, Text } from './source.ts';

export interface ConsulOptions {
  /** URL of a prefix in a Consul-compatible key/value store: `http://host:8500/v1/kv/certs`, a token as `?token=`. */
  readonly cert: string;
  readonly clientCa?: string | undefined;
  /** How it is asked, where the URL does not say it. */
  readonly client?: ClientOptions | undefined;
}

const KV = '/v1/kv/';

/** Follows a prefix with blocking queries. */
function followPrefix(
  url: string,
  options: ClientOptions,
  hear: (texts: Text[]) => void,
  trouble: (why: string) => void,
): () => void {
  const { origin, pathname, searchParams } = new URL(url);
  const token = searchParams.get('token');
  const prefix = decodeURIComponent(pathname.slice(KV.length));
  const client = new Client({ ...options, address: origin, ...(token === null ? {} : { token }) });
  const watch = client.kv.watchList(prefix, {
    onTrouble: (error) => trouble(`${origin}${pathname} cannot be read: ${messageOf(error)}`),
  });
  const run = async (): Promise<void> => {
    for await (const pairs of watch)
      hear(pairs.map(({ Key, Value }) => ({ place: Key, text: new TextDecoder().decode(Value) })));
  };
  run().catch((error: unknown) =>
    trouble(`${origin}${pathname} is not followed any more: ${messageOf(error)}`),
  );
  return () => watch.close();
}

/** Tells both halves of what a store holds as soon as both are known. */
export function followHalves(
  cert: string,
  clientCa: string | undefined,
  follow: (place: string, hear: (texts: Text[]) => void) => () => void,
  { found }: Pick<SourceContext, 'found'>,
): () => void {
  let certificates: Text[] | undefined;
  let authorities: Text[] | undefined;
  const tell = (): void => {
    if (certificates === undefined || (clientCa !== undefined && authorities === undefined)) return;
    const findings: Findings = pairUp(certificates);
    found(authorities === undefined ? findings : { ...findings, clientCa: authorities });
  };
  const stops = [
    follow(cert, (texts) => {
      certificates = texts;
      tell();
    }),
  ];
  if (clientCa !== undefined)
    stops.push(
      follow(clientCa, (texts) => {
        authorities = texts;
        tell();
      }),
    );
  return () => {
    for (const stop of stops) stop();
  };
}

export const consul: SourceKind<ConsulOptions> = {
  about: 'Keys below a prefix of a Consul-compatible key/value store, named as files in a folder.',
  follow: ({ cert, clientCa, client = {} }, context) =>
    followHalves(cert, clientCa, (url, hear) => followPrefix(url, client, hear, context.trouble), context),
};
