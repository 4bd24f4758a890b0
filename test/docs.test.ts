import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inRoot, MUSTER, ROOT } from '../scripts/support/paths.mjs';
import { freePorts, runToEnd } from '../scripts/support/processes.mjs';
import { run } from '../src/cli/run.ts';
import type { Terminal } from '../src/cli/verb.ts';
import { verbs } from '../src/cli/verbs.ts';
import { commandsOf } from './support/doc-commands.ts';
import { pickPorts, startMuster, testFolder } from './support/muster.ts';

/** Every page for readers. */
const PAGES = [
  'README.md',
  'CHANGELOG.md',
  'packaging/README.md',
  'test/README.md',
  'scripts/README.md',
  'bench/README.md',
  'ui/README.md',
  ...pagesBelow('docs'),
].filter((page) => existsSync(inRoot(page)));

function pagesBelow(folder: string): string[] {
  return readdirSync(inRoot(folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? pagesBelow(path) : path.endsWith('.md') ? [path] : [];
  });
}

const read = (page: string) => readFileSync(inRoot(page), 'utf8');

/** Text outside of code. */
function prose(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
}

/** Names of headings in links, as GitHub makes them. */
function anchorsOf(text: string): Set<string> {
  const headings = text.replace(/^```[\s\S]*?^```/gm, '').match(/^#{1,6} .*$/gm) ?? [];
  return new Set(
    headings.map((heading) =>
      heading
        .replace(/^#+ /, '')
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/\s/g, '-'),
    ),
  );
}

describe('links of the documentation', () => {
  it.each(PAGES)('%s leads to what is there', (page) => {
    const broken: string[] = [];
    for (const [, target = ''] of prose(read(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(?:https?|mailto):/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? inRoot(page) : resolve(dirname(inRoot(page)), path);
      if (!existsSync(file)) broken.push(`${target}: ${relative(ROOT, file)} is not there`);
      else if (anchor !== undefined && !anchorsOf(readFileSync(file, 'utf8')).has(anchor))
        broken.push(`${target}: no such heading`);
    }
    expect(broken).toEqual([]);
  });

  it('docs/security.md names tests that are there', () => {
    const named = [...read('docs/security.md').matchAll(/`([^`\s]+\.(?:ts|mjs))`/g)].map(
      ([, path = '']) => path,
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((path) => !existsSync(inRoot(path)) || !/\.test\.ts$|^test\//.test(path))).toEqual(
      [],
    );
  });

  // Decisions are a folder that is linked as one.
  it('every page of docs/ is linked from another one', () => {
    const linked = new Set(
      PAGES.flatMap((page) =>
        [...prose(read(page)).matchAll(/\]\(([^)\s#]+)/g)].map(([, target = '']) =>
          relative(ROOT, resolve(dirname(inRoot(page)), target)),
        ),
      ),
    );
    expect(
      PAGES.filter(
        (page) => /^docs\/(?!decisions\/\d)/.test(page) && page !== 'docs/README.md' && !linked.has(page),
      ),
    ).toEqual([]);
  });
});

describe('configuration in the documentation', () => {
  // "```toml part" is one that says nothing alone, or is no configuration of an agent's.
  const blocksOf = (page: string) =>
    [...read(page).matchAll(/^```toml\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  const pages = PAGES.filter((page) => blocksOf(page).length > 0);

  it.each(pages)('%s: what an agent or a stack takes, all keys and values', async (page) => {
    const file = join(testFolder(), 'page.toml');
    for (const block of blocksOf(page)) {
      writeFileSync(file, block);
      let said = '';
      const err = (text: string) => {
        said += text;
      };
      const code = await run(verbs, ['validate', file], {
        out: () => {},
        err,
        env: {},
      } as unknown as Terminal);
      // Files that a page names are its reader's.
      const faults = said.replaceAll(
        /^.*: cannot (?:read|write) .*: there is no such file or directory\n/gm,
        '',
      );
      expect([said === '' ? code : 0, faults], block).toEqual([0, '']);
    }
  });

  it('is in many of them', () => expect(pages.length).toBeGreaterThan(8));
});

/** Blocks that begin with "```sh run": commands in the order of the page, for a shell in an empty directory. */
function runnable(page: string): string[] {
  return [...read(page).matchAll(/^```sh run\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
}

const RUNNABLE = PAGES.filter((page) => runnable(page).length > 0);

/** The verbs with their flags and arguments; none of them does anything. */
const IDLE = Object.fromEntries(
  Object.entries(verbs).map(([name, verb]) => [
    name,
    { ...verb, load: async () => ({ ...(await verb.load()), run: async () => 0 }) },
  ]),
);

/** What the program says to a command line before it would run it; "" when it takes it. */
async function refusal(words: readonly string[]): Promise<string> {
  let said = '';
  const out = (text: string) => {
    said += text;
  };
  const code = await run(IDLE, words, { out: () => {}, err: out } as unknown as Terminal);
  return code === 0 ? '' : said;
}

describe('commands of the documentation', () => {
  it('are such as the program takes: verbs, flags and arguments', async () => {
    const refused: string[] = [];
    let count = 0;
    for (const page of PAGES)
      for (const { line, words, isMention } of commandsOf(read(page))) {
        count++;
        const why = await refusal(words);
        // A mention may leave out what the command is about, or name a family of them.
        if (why !== '' && !(isMention && / is missing\. |needs a value|\bVERB --help/.test(why)))
          refused.push(`${page}: ${line}\n  ${why}`);
      }
    expect(refused).toEqual([]);
    expect(count).toBeGreaterThan(150);
  });

  it('there are some', () => expect(RUNNABLE.length).toBeGreaterThan(3));

  // Each page has an agent of its own, on other ports than the page says: those are put in.
  it.each(RUNNABLE)('%s', async (page) => {
    const home = testFolder();
    const bin = join(home, 'bin');
    mkdirSync(bin);
    symlinkSync(MUSTER, join(bin, 'muster'));
    const ports = await pickPorts();
    const [service] = await freePorts(1);
    const agent = await startMuster('agent', { node: { dev: true, name: 'n1' } }, home, ports);
    try {
      const script = runnable(page)
        .join('\n')
        .replace(/\b(127\.0\.0\.1|localhost):8500\b/g, `$1:${ports.http}`)
        .replace(/\b(127\.0\.0\.1|localhost):9999\b/g, `$1:${ports.proxy}`)
        .replace(/\b(127\.0\.0\.1|localhost):9998\b/g, `$1:${ports.admin}`)
        .replace(/-p 8600\b/g, `-p ${ports.dns}`)
        // The service of the examples.
        .replace(/\b8123\b/g, String(service));
      const file = join(home, 'page.sh');
      writeFileSync(file, script);
      const { code, output } = await runToEnd('bash', ['-eu', '-o', 'pipefail', '-x', file], {
        cwd: home,
        env: { PATH: `${bin}:${process.env.PATH}`, CONSUL_HTTP_ADDR: `127.0.0.1:${ports.http}`, HOME: home },
      });
      expect(code, output).toBe(0);
    } finally {
      await agent.program.stop();
    }
  });
});
