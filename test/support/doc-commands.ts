/** Command lines of Muster in the text of a page. */

export interface DocCommand {
  readonly line: string;
  /** Without "muster". */
  readonly words: readonly string[];
  /** A mention between words: it may leave arguments out. */
  readonly isMention: boolean;
}

/** What a page shows: lines of its blocks of code, and mentions in its text. Those with "…" or "|" between words stand for several. */
export function commandsOf(page: string): DocCommand[] {
  const found: DocCommand[] = [];
  const prose = page.replace(/^```.*\n([\s\S]*?)^```$/gm, (_, block: string) => {
    // What the shell puts in is a number as often as not.
    for (const line of block
      .replace(/\\\n\s*/g, ' ')
      .replace(/\$\([^()]*\)/g, '1')
      .split('\n'))
      for (const words of simpleCommands(line))
        if (/^(?:bin\/|\.\/)?muster$/.test(words[0] ?? ''))
          found.push({ line, words: words.slice(1), isMention: false });
    return '';
  });
  for (const [, code = ''] of prose.matchAll(/`([^`\n]+)`/g)) {
    // Several in one, or the grammar itself.
    if (/[…|]|\[flags\]/.test(code)) continue;
    const [words = []] = simpleCommands(code);
    if (words[0] === 'muster' && words.length > 1)
      found.push({ line: code, words: words.slice(1), isMention: true });
  }
  return found;
}

/** The words of each command of a line of shell: quotes are taken away, what comes behind `#` is left out, `$` stays as it is. */
function simpleCommands(line: string): string[][] {
  const commands: string[][] = [[]];
  let word: string | undefined;
  let quote = '';
  const end = () => {
    if (word !== undefined) commands.at(-1)?.push(word);
    word = undefined;
  };
  for (let at = 0; at < line.length; at++) {
    const char = line[at] as string;
    if (quote !== '') {
      if (char === quote) quote = '';
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (char === '#' && word === undefined) break;
    else if (/\s/.test(char)) end();
    else if (/[|;&()]/.test(char) || (/[<>]/.test(char) && (word === undefined || /^\d$/.test(word)))) {
      if (/[<>]/.test(char)) word = undefined;
      end();
      // What follows a redirection is a file, no command.
      commands.push(/[<>]/.test(char) ? ['>'] : []);
    } else word = (word ?? '') + char;
  }
  end();
  // A prompt, or variables that are set for the command.
  return commands.map((words) => {
    const first = words.findIndex((one) => one !== '$' && !/^[A-Za-z_]\w*=/.test(one));
    return first < 0 ? [] : words.slice(first);
  });
}
