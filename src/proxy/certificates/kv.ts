import { followHalves } from './consul.ts';
import type { SourceKind } from './source.ts';

export interface KvOptions {
  /** Prefix in this process's own key/value store. */
  readonly cert: string;
  readonly clientCa?: string | undefined;
}

export const kv: SourceKind<KvOptions> = {
  about: "Keys below a prefix of Muster's own key/value store, named as files in a folder.",
  follow({ cert, clientCa }, context) {
    const { catalog } = context;
    if (catalog === undefined) {
      context.trouble(
        `key/value prefix ${cert}: this process has no key/value store of its own; use kind "consul"`,
      );
      return () => {};
    }
    return followHalves(
      cert,
      clientCa,
      (prefix, hear) => {
        const look = () =>
          hear(
            catalog
              .prefix('kv', prefix)
              .map(({ key, value }) => ({ place: key, text: new TextDecoder().decode(value) })),
          );
        const stop = catalog.feed.subscribe(({ changes }) => {
          if (changes.some((change) => change.table === 'kv' && change.key.startsWith(prefix))) look();
        });
        look();
        return stop;
      },
      context,
    );
  },
};
