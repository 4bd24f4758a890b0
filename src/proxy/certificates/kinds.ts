import { type AcmeSourceOptions, acme } from './acme.ts';
import { type ConsulOptions, consul } from './consul.ts';
import { type FileOptions, file } from './file.ts';
import { type HttpOptions, http } from './http.ts';
import { type KvOptions, kv } from './kv.ts';
import { type PathOptions, path } from './path.ts';
import type { SourceContext, SourceKind } from './source.ts';

/** Options of every kind of source. A new one is a file and a line here and below. */
interface OptionsOf {
  file: FileOptions;
  path: PathOptions;
  http: HttpOptions;
  consul: ConsulOptions;
  kv: KvOptions;
  acme: AcmeSourceOptions;
}

export const SOURCES = { file, path, http, consul, kv, acme } as const satisfies {
  [Kind in keyof OptionsOf]: SourceKind<OptionsOf[Kind]>;
};

export type SourceName = keyof OptionsOf;
export const SOURCE_NAMES = Object.keys(SOURCES) as [SourceName, ...SourceName[]];
export type SourceOptions = { [Kind in SourceName]: { readonly kind: Kind } & OptionsOf[Kind] }[SourceName];

export function followSource(options: SourceOptions, context: SourceContext): () => void {
  const { follow }: SourceKind<never> = SOURCES[options.kind];
  return (follow as SourceKind<SourceOptions>['follow'])(options, context);
}
