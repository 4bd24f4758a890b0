import fs from 'node:fs';
import type { SnapshotContents } from '../../api/snapshot/read-archive.ts';
import { fileTrouble, MusterError, messageOf } from '../../errors.ts';
import { columns } from '../columns.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { readBytes } from '../data.ts';
import { json, OUTPUT_FLAGS, wantsJson } from '../output.ts';
import { verb } from '../verb.ts';

export const snapshotSave = verb({
  about: 'The file holds secrets: it is made readable to its owner only.',
  args: ['FILE'],
  examples: [{ command: 'muster snapshot save backup.snap' }],
  flags: CONNECTION_FLAGS,
  async run({ flags, args: [file = ''], terminal }) {
    const { archive, index } = await connect(flags, terminal).snapshot.save();
    const meta = await inspect(Buffer.from(archive), 'what the agent sent');
    // Whole or not at all: a half-written backup is worse than none.
    const unfinished = `${file}.${process.pid}.unfinished`;
    try {
      fs.writeFileSync(unfinished, archive, { mode: 0o600, flush: true });
      fs.renameSync(unfinished, file);
    } catch (cause) {
      fs.rmSync(unfinished, { force: true });
      throw new MusterError('config.unreadable', `cannot write ${file}: ${fileTrouble(cause)}`, { cause });
    }
    terminal.out(`Saved and verified snapshot to index ${index || meta.index}\n`);
  },
});

export const snapshotRestore = verb({
  about:
    'A file that `consul snapshot save` wrote is taken too: keys, tokens and all else that Muster knows; what it has no meaning for is left out and told.',
  args: ['FILE'],
  examples: [{ command: 'muster snapshot restore backup.snap' }],
  flags: CONNECTION_FLAGS,
  async run({ flags, args: [file = ''], terminal }) {
    const taken = await connect(flags, terminal).snapshot.restore(readBytes(file));
    terminal.out('Restored snapshot\n');
    if (taken === undefined) return;
    terminal.out(`Taken over from Consul: ${counted(taken.restored)}\n`);
    if (Object.keys(taken.leftOut).length > 0) terminal.out(`Left out: ${counted(taken.leftOut)}\n`);
    if (taken.silentAgents > 0)
      terminal.out(`Critical until their agent joins this cluster: nodes ${taken.silentAgents}\n`);
  },
});

export const snapshotInspect = verb({
  args: ['FILE'],
  examples: [{ command: 'muster snapshot inspect backup.snap' }],
  flags: OUTPUT_FLAGS,
  async run({ flags, args: [file = ''], terminal }) {
    const archive = readBytes(file);
    const meta = await inspect(archive, file);
    if (wantsJson(flags)) {
      terminal.out(json(meta));
      return;
    }
    terminal.out(
      columns([
        ['Index', meta.index],
        ['Of', meta.origin],
        ...(meta.version === '' ? [] : [['Version', meta.version] as const]),
        ['Time', meta.time],
        ['Size', archive.length],
        ...Object.entries(meta.tables).map(([table, rows]) => [`  ${table}`, rows]),
        ...Object.entries(meta.leftOut).map(([what, count]) => [`  left out: ${what}`, count]),
      ]),
    );
  },
});

function counted(of: Readonly<Record<string, number>>): string {
  return Object.entries(of)
    .map(([what, count]) => `${what} ${count}`)
    .join(', ');
}

async function inspect(archive: Buffer, what: string): Promise<SnapshotContents> {
  // Loaded here, so that the other verbs start without the catalog.
  const { inspectSnapshot } = await import('../../api/snapshot/read-archive.ts');
  return inspectSnapshot(archive).catch((cause: unknown) => {
    throw new MusterError('request.invalid', `${what} is no whole snapshot: ${messageOf(cause)}`, { cause });
  });
}
