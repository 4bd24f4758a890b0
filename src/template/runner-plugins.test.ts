import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { soon } from '../lib/soon.test-support.ts';
import {
  at,
  content,
  folder,
  KEY,
  lines,
  run,
  source,
  template,
  toBe,
  toSay,
} from './runner.test-support.ts';

describe('programs that a template asks', () => {
  const plugin = (script: string): string => {
    fs.writeFileSync(at('plugin'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return at('plugin');
  };

  it('are asked once everything else is known, and again when it has changed', async () => {
    const program = plugin(`echo "$# $1" >> ${at('asked')}; echo " <$1> "`);
    run([template(`{{ key "a" | plugin "${program}" }} {{ key "b" | plugin "${program}" " " }}`, 'out')]);
    await source.say(KEY('a'), ' one ');
    await source.say(KEY('b'), 'two');
    await toBe('out', '<one> <two>');
    await source.say(KEY('a'), 'three');
    await toBe('out', '<three> <two>');
    // One call for each value and turn; space around words and words of nothing else are left out.
    expect(content('asked')).toBe('1 one\n1 two\n1 three\n1 two\n');
  });

  it('may be asked with what others, and the registry by what they, have said', async () => {
    const program = plugin('echo "$1-more"');
    run([template(`{{ key (plugin "${program}" (plugin "${program}" "k")) }}`, 'out')]);
    await source.say(KEY('k-more-more'), 'value');
    await toBe('out', 'value');
  });

  it('that fail, are not there or say too much are named with their place, and the file stays', async () => {
    run([
      template(`{{ plugin "${plugin('echo said >&2; exit 4')}" }}`, 'failing'),
      template('{{ plugin "/nowhere/at-all" }}', 'absent'),
      template('{{ plugin "head" "-c" "20000000" "/dev/zero" }}', 'loud'),
      template('{{ plugin "" }}nothing', 'out'),
    ]);
    await toBe('out', 'nothing');
    const said = lines.join('\n');
    expect(said).toMatch(/failing\): execute: .*:1:3: .*exec "\S*plugin": ended with code 4: said/);
    expect(said).toMatch(/absent\): execute: .*exec "\/nowhere\/at-all": .*ENOENT/);
    expect(said).toMatch(/loud\): execute: .*exec "head": head writes more than \d+ bytes/);
    expect(fs.readdirSync(folder).sort()).toEqual(['out', 'plugin']);
  });

  it('are not waited for by what they leave running', async () => {
    // What held the output open was never ended, and no template was rendered any more.
    run([template(`{{ plugin "${plugin('sleep 1000 & echo done')}" }}`, 'out')]);
    await toBe('out', 'done');
  });

  it('end when they are not to be asked any more', async () => {
    const runner = run([
      template(
        `{{ plugin "${plugin(`echo $$ > ${at('pid.new')}; mv ${at('pid.new')} ${at('pid')}; sleep 1000`)}" }}`,
        'out',
      ),
    ]);
    await soon(() => expect(fs.existsSync(at('pid'))).toBe(true));
    await runner.stop();
    await soon(() => expect(() => process.kill(Number(content('pid')), 0)).toThrow(/ESRCH/));
    expect(lines.join('\n')).not.toMatch(/plugin/);
  });

  it('with other words each time end in an error, not in rounds for ever', async () => {
    const program = plugin(`echo x >> ${at('asked')}; wc -l < ${at('asked')}`);
    run([
      template(
        `{{ define "again" }}{{ $n := plugin "${program}" . }}{{ if $n }}{{ template "again" $n }}{{ end }}{{ end }}{{ template "again" "0" }}`,
        'out',
      ),
    ]);
    await toSay(/plugin is called with other words each time/);
    expect(fs.existsSync(at('out'))).toBe(false);
  });
});
