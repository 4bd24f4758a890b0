import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { parseFlags } from '../flags.ts';
import { lb } from './lb.ts';
import { MODES, MODES_OF } from './lb-modes.ts';

/** What it would be refused for; it never gets so far as to listen, as each of these is refused. */
async function complaint(...words: string[]): Promise<string> {
  const terminal = { out: () => {}, err: () => {}, stdin: Readable.from([]), env: {}, color: false };
  const { flags } = parseFlags(lb.flags, words);
  return lb.run({ flags, args: [], terminal }).then(
    () => 'taken',
    (error: Error) => error.message,
  );
}

const HTTP = ['-listen', '127.0.0.1:0', '-upstream', '127.0.0.1:1'];
const TCP = ['-protocol', 'tcp', ...HTTP];
const UDP = ['-protocol', 'udp', ...HTTP];

describe('the flags of muster lb', () => {
  it('each say something in a mode', () => {
    expect(Object.keys(MODES_OF).sort()).toEqual(Object.keys(lb.flags).sort());
    expect(Object.entries(MODES_OF).filter(([, modes]) => modes.length === 0)).toEqual([]);
  });

  it.each([
    // The worst of them: everybody was let in.
    [[...HTTP, '-access', 'deny 127.0.0.1'], '-access is for', '-options allow=ip:'],
    [[...HTTP, '-access-default=deny'], '-access-default is for', '-options allow=ip:'],
    [[...HTTP, '-accept-proxy'], '-accept-proxy is for', 'accept_proxy'],
    [[...HTTP, '-send-proxy=1'], '-send-proxy is for', MODES.http],
    [[...HTTP, '-max-responses=1'], '-max-responses is for', MODES.http],
    [[...HTTP, '-timeout-session=1s'], '-timeout-session is for', MODES.http],
    [[...HTTP, '-timeout-half-closed=1s'], '-timeout-half-closed is for', MODES.http],
    [[...HTTP, '-format=json'], '-format is for', MODES.http],
    [[...UDP, '-send-proxy=1'], '-send-proxy is for', MODES.udp],
    [[...UDP, '-accept-proxy'], '-accept-proxy is for', MODES.udp],
    [[...UDP, '-listen-tls=:0'], '-listen-tls is for', MODES.udp],
    [[...TCP, '-timeout-response=1s'], '-timeout-response is for', MODES.tcp],
    [[...TCP, '-max-line=100'], '-max-line is for', MODES.tcp],
    [[...TCP, '-max-requests=1'], '-max-requests is for', MODES.tcp],
    [[...TCP, '-acme=shop.test'], '-acme is for', 'listeners for HTTP'],
    [['-cfg=/nowhere', '-auth=users'], '-auth is for', 'they say everything themselves'],
    [['-cfg=/nowhere', '-access=deny 127.0.0.1'], '-access is for', MODES.fabio],
    [['-cfg=/nowhere', '-log-level=debug'], '-log-level is for', 'log.level says it'],
    [['-proxy.addr=:0', '-c=/nowhere.toml'], '-c is for', MODES.fabio],
    [['-c=/nowhere.toml', '-listen=:0'], '-listen is for', 'it says everything itself'],
    [['-c=/nowhere.toml', '-upstream=127.0.0.1:1'], '-upstream is for', MODES.gobetween],
    [['-c=/nowhere.toml', '-protocol=tcp'], '-protocol is for', MODES.gobetween],
  ])('are refused where they would have no effect: %j', async (words, flag, why) => {
    const said = await complaint(...words);
    expect(said).toContain(flag);
    expect(said).toContain(why);
  });

  it('may be false where they say nothing: that is the case', async () => {
    expect(await complaint('-c=/nowhere.toml', '-compress=false')).toContain('cannot read /nowhere.toml');
  });
});
