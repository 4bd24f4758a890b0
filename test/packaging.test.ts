import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeDeb } from '../scripts/packaging/deb.mjs';
import { bill, licenses, unusualLicenses } from '../scripts/packaging/sbom.mjs';
import { packedFiles, productionModules } from '../scripts/packaging/tree.mjs';
import { inRoot } from '../scripts/support/paths.mjs';
import { runToEnd, start, until } from '../scripts/support/processes.mjs';
import { registrationOf, startBackend } from './support/backend.ts';
import { ask, put } from './support/http.ts';
import { onPorts, pickPorts, testFolder, writeConfig } from './support/muster.ts';

/** Runs the program of a package: an agent that takes a service, checks it and sends it traffic; then ends. */
async function doesItsJob(command: string, args: string[], home: string): Promise<void> {
  const ports = await pickPorts();
  const config = writeConfig(home, onPorts({ node: { data_dir: join(home, 'data'), name: 'n1' } }, ports));
  const program = start(command, [...args, 'agent', '-config-file', config], { cwd: home });
  const api = `http://127.0.0.1:${ports.http}`;
  try {
    await until('a leader', async () => (await ask(`${api}/v1/status/leader`)).text.length > 2, { program });
    const backend = await startBackend('web-1');
    await put(`${api}/v1/agent/service/register`, registrationOf(backend, 'web', '/web'));
    const proxied = `http://127.0.0.1:${ports.proxy}/web`;
    await until('the route', async () => (await ask(proxied)).text === 'web-1', { program });
    expect((await ask(`${api}/ui/`)).text).toContain('<title>Muster</title>');
  } finally {
    const exit = await program.stop();
    expect(exit, program.output()).toMatchObject({ code: 0 });
  }
}

describe('the package of npm', () => {
  it('has what it needs and nothing else', async () => {
    // What a stack that was tried here keeps, tokens included, stays here.
    const kept = inRoot('stacks', '.muster', 'packaging-test');
    mkdirSync(kept, { recursive: true });
    onTestFinished(() => rmSync(kept, { recursive: true }));
    writeFileSync(join(kept, 'catalog'), '');
    const files = await packedFiles();
    for (const file of [
      'bin/muster',
      'dist/LICENSES.txt',
      'dist/main.js',
      'dist/client.js',
      'dist/ui/index.html',
      'dist/man/muster.1',
      'LICENSE',
    ])
      expect(files).toContain(file);
    expect(
      files.filter((file) =>
        /^(?:src|test|ui|scripts|bench|docs|dist\/packages)\/|\.map$|\.test\.|\/\.muster\//.test(file),
      ),
    ).toEqual([]);
  });

  it('installed elsewhere, it does its job, and its SDK can be imported', async () => {
    const home = testFolder();
    const { output } = await runToEnd(
      'npm',
      ['pack', '--silent', '--ignore-scripts', '--pack-destination', home],
      {
        cwd: inRoot(),
        env: { npm_config_offline: 'true' },
      },
    );
    const target = join(home, 'node_modules/@muster/muster');
    mkdirSync(target, { recursive: true });
    execFileSync('tar', ['-xzf', join(home, output.trim()), '-C', target, '--strip-components=1']);
    // What npm would fetch, from where it was fetched to before.
    for (const folder of productionModules()) {
      mkdirSync(dirname(join(home, folder)), { recursive: true });
      cpSync(inRoot(folder), join(home, folder), { recursive: true });
    }
    await doesItsJob(process.execPath, [join(target, 'bin/muster')], home);
    // Without the name of a stack it runs the one that came with it, wherever its user may write.
    const ports = await pickPorts();
    const up = start(
      process.execPath,
      [
        join(target, 'bin/muster'),
        'up',
        `-http-port=${ports.http}`,
        `-dns-port=${ports.dns}`,
        `-balancer-listen=127.0.0.1:${ports.proxy}`,
        `-balancer-admin=127.0.0.1:${ports.admin}`,
      ],
      { cwd: testFolder() },
    );
    await until('the first request', () => up.output().includes('answered 200'), { program: up, ms: 60_000 });
    expect(await up.stop(), up.output()).toMatchObject({ code: 0 });
    expect(readdirSync(join(target, 'stacks'))).not.toContain('.muster');
    writeFileSync(
      join(home, 'use.mjs'),
      `import { Client } from '@muster/muster';\nprocess.stdout.write(new Client({ address: '127.0.0.1:1' }).address);\n`,
    );
    expect(execFileSync(process.execPath, ['use.mjs'], { cwd: home, encoding: 'utf8' })).toBe(
      'http://127.0.0.1:1',
    );
  });

  it('loads no package to say what it can do', () => {
    // What was run is what V8 counts the coverage of.
    const counts = testFolder();
    const told = spawnSync(process.execPath, [inRoot('bin', 'muster'), '--help'], {
      encoding: 'utf8',
      env: { ...process.env, NODE_V8_COVERAGE: counts },
    });
    expect(told).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('Usage: muster VERB'),
      stderr: '',
    });
    const loaded = readdirSync(counts).flatMap((name) => {
      const { result } = JSON.parse(readFileSync(join(counts, name), 'utf8')) as {
        result: { url: string }[];
      };
      return result.map(({ url }) => url);
    });
    expect(loaded).toContainEqual(expect.stringContaining('dist/main.js'));
    expect(loaded.filter((url) => url.includes('/node_modules/'))).toEqual([]);
  });
});

describe('manual pages and completions', () => {
  it('every page is one that groff takes without a word', async () => {
    const folder = inRoot('dist', 'man');
    const pages = readdirSync(folder);
    expect(pages).toContain('muster-kv-get.1');
    const { code, output } = await runToEnd('groff', ['-man', '-Tutf8', '-ww', '-z', ...pages], {
      cwd: folder,
    });
    expect(output).toBe('');
    expect(code).toBe(0);
    const read = await runToEnd('groff', ['-man', '-Tascii', '-P-bcu', 'muster-agent.1'], { cwd: folder });
    expect(read.output).toMatch(/NAME[\s\S]*EXAMPLES[\s\S]*FLAGS/);
  });

  it.each([
    ['bash', `source "$1"; COMP_WORDS=(muster kv ''); COMP_CWORD=2; _muster; echo "\${COMPREPLY[@]}"`],
    ['fish', `source $argv[1]; complete -C 'muster kv ' | cut -f1 | tr '\\n' ' '`],
    [
      'zsh',
      `autoload -Uz compinit && compinit -u -D; source "$1"; setopt ksh_arrays; COMP_WORDS=(muster kv ''); COMP_CWORD=2; _muster; echo \${COMPREPLY[@]}`,
    ],
  ])('%s completes the verbs of a family', async (shell, script) => {
    const file = inRoot('dist', 'completions', `muster.${shell}`);
    const args = shell === 'fish' ? ['-N', '-c', script, file] : ['-c', script, shell, file];
    const { output } = await runToEnd(shell, args, { env: { HOME: testFolder() } });
    expect(output).toMatch(/\bget\b[\s\S]*\bput\b/);
  });

  it('lets fish complete files behind a verb that takes arguments', async () => {
    const script = `source $argv[1]; complete -C 'muster up sta'; echo /; complete -C 'muster info sta'`;
    const file = inRoot('dist/completions/muster.fish');
    const { output } = await runToEnd('fish', ['-N', '-c', script, file], {
      cwd: inRoot(),
      env: { HOME: testFolder() },
    });
    expect(output).toMatch(/^stacks\/\s*\n\/\n$/);
  });

  it('leaves files to bash, which puts a slash behind folders', async () => {
    const script = `source "$1"; complete -p muster; COMP_WORDS=(muster up sta); COMP_CWORD=2; _muster; echo "[\${COMPREPLY[@]}]"`;
    const { output } = await runToEnd('bash', ['-c', script, 'bash', inRoot('dist/completions/muster.bash')]);
    expect(output).toBe('complete -o default -F _muster muster\n[]\n');
  });
});

describe('the package of Debian', () => {
  it('has its files in their places, and does its job from there', async () => {
    const home = testFolder();
    const deb = await makeDeb(home, { level: 1 });
    const { output: info } = await runToEnd('dpkg-deb', ['--info', deb]);
    expect(info).toMatch(/Package: muster[\s\S]*Depends: nodejs \(>= 20\.18\)/);
    const root = join(home, 'root');
    execFileSync('dpkg-deb', ['--extract', deb, root]);
    for (const file of [
      'etc/muster/muster.toml',
      'usr/lib/systemd/system/muster.service',
      'usr/lib/systemd/system/muster.socket',
      'usr/share/man/man1/muster-agent.1.gz',
      'usr/share/bash-completion/completions/muster',
      'usr/share/doc/muster/copyright',
    ])
      expect(() => readFileSync(join(root, file))).not.toThrow();
    // Where its configuration and our pages send readers.
    for (const text of [join(root, 'etc/muster/muster.toml'), inRoot('docs/operations/observability.md')])
      for (const [, page = ''] of readFileSync(text, 'utf8').matchAll(/(\/usr\/share\/doc\/[\w./-]+\.\w+)/g))
        expect(() => readFileSync(join(root, page))).not.toThrow();
    const muster = join(root, 'usr/bin/muster');
    expect((await runToEnd(muster, ['validate', join(root, 'etc/muster')])).output).toContain('valid');
    await doesItsJob(muster, [], home);
  });

  it('its unit names what the package has', () => {
    const unit = readFileSync(inRoot('packaging/systemd/muster.service'), 'utf8');
    expect(unit).toMatch(
      /^ExecStart=\/usr\/bin\/muster agent -config-dir \/etc\/muster -data-dir \/var\/lib\/muster$/m,
    );
    expect(unit).toMatch(/^Type=notify$/m);
  });
});

describe('the bill of materials', () => {
  it('names every module that is shipped, with a licence that allows it, and is closed', () => {
    const { components, dependencies, metadata } = bill('2026-01-01T00:00:00Z');
    const references = new Set([metadata.component['bom-ref'], ...components.map((one) => one['bom-ref'])]);
    expect(references.size).toBe(components.length + 1);
    for (const { ref, dependsOn } of dependencies)
      for (const reference of [ref, ...dependsOn]) expect(references).toContain(reference);
    const names = components.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['lmdb', 'zod', 'koffi', 'preact', 'uplot']));
    expect(names).not.toContain('vitest');
    expect(unusualLicenses()).toEqual([]);
    for (const name of ['zod', 'lmdb', 'preact']) expect(licenses()).toContain(`${name} `);
  });
});
