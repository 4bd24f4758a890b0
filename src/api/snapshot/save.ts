import { pipeline } from 'node:stream/promises';
import { nextTurn } from '../../lib/in-turns.ts';
import { endpoint } from '../endpoint.ts';
import { readOptions } from '../read-options.ts';
import { taken } from '../reply.ts';
import { setMeta } from '../send.ts';
import { stateOf } from './consul/write.ts';
import { writeArchive } from './write-archive.ts';

export const snapshotSave = endpoint({
  method: 'GET',
  path: '/v1/snapshot',
  needs: 'acl:write',
  summary: 'Everything that is kept, as a gzipped archive',
  query: { dc: 'datacenter to ask', stale: 'any server may answer' },
  async handler(context, request) {
    const { consistency } = readOptions(context, request);
    const { catalog, clock, node, store } = context;
    // A replica may be of long ago: who keeps the archive for a backup has to be told.
    if (consistency !== 'stale') await store.remote?.refresh();
    return taken(async (response) => {
      const state = stateOf(catalog);
      const contact = store.remote?.contact();
      const gone = new AbortController();
      response.once('close', () => gone.abort());
      try {
        const archive = await writeArchive(state, node.version, clock.now(), gone.signal);
        const meta = { index: state.index, ...(contact === undefined ? {} : { contact }) };
        setMeta({ set: (name, value) => void response.setHeader(name, value) }, meta);
        response.setHeader('Content-Type', 'application/x-gzip');
        response.setHeader(
          'Content-Length',
          archive.reduce((sum, { length }) => sum + length, 0),
        );
        // A server that stops waits for its connections.
        if (request.signal.aborted) response.shouldKeepAlive = false;
        await pipeline(oneATurn(archive), response);
      } catch (error) {
        // Nobody is there any more to be told.
        if (!gone.signal.aborted) throw error;
      }
    });
  },
});

/** What the system takes at once would all be written in one turn of the event loop. */
async function* oneATurn(pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) {
    yield piece;
    await nextTurn();
  }
}
