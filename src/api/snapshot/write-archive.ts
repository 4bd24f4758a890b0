import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGzip, gzip } from 'node:zlib';
import { nextTurn } from '../../lib/in-turns.ts';
import { TAR_END, tarHeader, tarPadding } from '../../lib/tar.ts';
import { type CatalogState, encodeState } from './consul/write.ts';
import { FORMAT, META, STATE, SUMS } from './layout.ts';

/** Of what is compressed: less than that would be many small pieces. */
const CHUNK = 64 * 1024;

/**
 * The state as a gzipped tar: what it is, its rows as Consul's records, and the check sums of both. `now` in ms since the epoch. It is
 * encoded, summed and compressed in slices with turns of the event loop in between, until `signal` aborts it.
 *
 * In front of a file a tar has its size. So that the rows need not be held as bytes until that is known, they are compressed by
 * themselves and what stands in front of them later: a gzip file is one or more members (RFC 1952, 2.2).
 */
export async function writeArchive(
  state: CatalogState,
  version: string,
  now: number,
  signal?: AbortSignal,
): Promise<Buffer[]> {
  const hash = createHash('sha256');
  let size = 0;
  async function* slices() {
    for (const slice of encodeState(state)) {
      hash.update(slice);
      size += slice.length;
      yield slice;
      await nextTurn();
    }
  }
  const rows: Buffer[] = [];
  await pipeline(
    slices,
    createGzip({ chunkSize: CHUNK }),
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) rows.push(chunk);
    },
    { signal },
  );
  const meta = Buffer.from(`${JSON.stringify(metaOf(state, size, version, now), undefined, 2)}\n`);
  const sums = Buffer.from(
    `${createHash('sha256').update(meta).digest('hex')}  ${META}\n${hash.digest('hex')}  ${STATE}\n`,
  );
  const time = now / 1000;
  const before = [
    tarHeader(META, meta.length, time),
    meta,
    tarPadding(meta.length),
    tarHeader(STATE, size, time),
  ];
  const behind = [
    tarPadding(size),
    tarHeader(SUMS, sums.length, time),
    sums,
    tarPadding(sums.length),
    TAR_END,
  ];
  const compress = promisify(gzip);
  return [await compress(Buffer.concat(before)), ...rows, await compress(Buffer.concat(behind))];
}

function metaOf({ index }: CatalogState, size: number, version: string, now: number) {
  return {
    // Consul's; of its own layout.
    Version: 1,
    ID: `muster-${index}-${now}`,
    Index: index,
    Term: 1,
    Size: size,
    // Ours.
    format: FORMAT,
    program: version,
    time: new Date(now).toISOString(),
  };
}
