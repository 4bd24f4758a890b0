#!/usr/bin/env node
// @ts-check
// npm run fuzz -- [options]      see test/README.md
import { parseArgs } from 'node:util';
import { setup } from '../../scripts/setup.mjs';
import { stopAllWithUs } from '../../scripts/support/processes.mjs';
import { run, say } from '../../scripts/support/say.mjs';
import { fuzz, reproduction } from './fuzz.mjs';
import { fuzzLinks } from './links.mjs';
import { LISTENER_KINDS } from './listener-kinds.mjs';
import { fuzzListeners, transports } from './listeners.mjs';
import { fuzzParsers } from './parsers.mjs';
import { fuzzTemplates } from './templates.mjs';

const USAGE = `usage: npm run fuzz -- [--parsers | --templates | --links | --listeners [--kind requests] [--transport net]]
                      [--seconds 60] [--seed N] [--store embedded] [--from N --count N]
What the API and DNS of an agent are sent, unless one of the others is chosen. A run is the same again with its seed; of listeners
each kind has the seconds to itself, on each transport. test/README.md tells more.
`;

await run(async () => {
  stopAllWithUs();
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h' },
      templates: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      seed: { type: 'string' },
      store: { type: 'string' },
      from: { type: 'string' },
      count: { type: 'string' },
      parsers: { type: 'boolean' },
      links: { type: 'boolean' },
      listeners: { type: 'boolean' },
      kind: { type: 'string' },
      transport: { type: 'string' },
    },
  });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return;
  }
  await setup([]);
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  const limits = {
    from: Number(values.from ?? 0),
    ...(values.count === undefined ? {} : { count: Number(values.count) }),
    ...(values.count !== undefined && values.seconds === undefined
      ? {}
      : { seconds: Number(values.seconds ?? 60) }),
  };
  say('fuzz', `seed ${seed}`);
  if (values.parsers === true) return feedParsers({ seed, ...limits });
  if (values.links === true) return overLinks({ seed, ...limits });
  if (values.listeners === true)
    return atListeners(seed, limits, {
      kinds: values.kind === undefined ? LISTENER_KINDS : [values.kind],
      ways: (await transports()).filter((way) => way === (values.transport ?? way)),
    });
  if (values.templates) return ofTemplates(seed, limits);
  const store =
    values.store === 'embedded' ? /** @type {const} */ ('embedded') : /** @type {const} */ ('memory');
  const { sent, counts, findings, peak, slowest, seconds, output } = await fuzz({
    seed,
    store,
    ...limits,
    onProgress: (text) => say('fuzz', text),
  });
  for (const name of Object.keys(counts).sort()) say('fuzz', `${name.padEnd(16)} ${counts[name]}`);
  say(
    'fuzz',
    `${sent} inputs in ${seconds.toFixed(0)} s, at most ${Math.round(peak / 1e6)} MB, slowest answer ${slowest.toFixed(0)} ms`,
  );
  if (findings.length === 0) return 0;
  for (const { number, why, input } of findings) {
    say('fuzz', `FOUND at ${number}: ${why}`);
    if (input !== undefined) {
      say('fuzz', `  ${JSON.stringify(Buffer.concat(input.parts).toString('latin1').slice(0, 1_500))}`);
      say('fuzz', `  ${reproduction(input).slice(0, 20_000)}`);
    }
    say(
      'fuzz',
      `  again: npm run fuzz -- --seed ${seed} --from ${number} --count ${input === undefined ? 64 : 1}`,
    );
  }
  process.stdout.write(`--- the last of the agent's output\n${output.slice(-6_000)}\n`);
  return 1;
});

/** @param {{ seed: number, from: number, count?: number, seconds?: number }} options */
async function feedParsers(options) {
  const { sent, findings } = await fuzzParsers(options);
  say('fuzz', `${sent} inputs`);
  for (const { number, parser, why, input } of findings) {
    say('fuzz', `FOUND at ${number} (${parser}): ${why}`);
    say('fuzz', `  base64 ${input.toString('base64').slice(0, 20_000)}`);
    say('fuzz', `  again: npm run fuzz -- --parsers --seed ${options.seed} --from ${number} --count 1`);
  }
  return findings.length === 0 ? 0 : 1;
}

/** @param {{ seed: number, from: number, count?: number, seconds?: number }} options */
async function overLinks(options) {
  const { sent, counts, findings } = await fuzzLinks(options);
  for (const [name, times] of Object.entries(counts)) say('fuzz', `${name.padEnd(18)} ${times}`);
  say('fuzz', `${sent} inputs`);
  for (const { number, why } of findings) {
    say('fuzz', `FOUND at ${number}: ${why}`);
    say('fuzz', `  again: npm run fuzz -- --links --seed ${options.seed} --from ${number} --count 64`);
  }
  return findings.length === 0 ? 0 : 1;
}

/**
 * Each kind on each transport: the limits are those of one of them.
 * @param {number} seed @param {{ from: number, count?: number, seconds?: number }} limits @param {{ kinds: readonly string[], ways: readonly ('net' | 'uring')[] }} what
 */
async function atListeners(seed, limits, { kinds, ways }) {
  let found = 0;
  for (const way of ways) {
    for (const kind of kinds) {
      const { sent, findings, peak } = await fuzzListeners({ seed, transport: way, kind, ...limits });
      say('fuzz', `${`${way}: ${kind}`.padEnd(24)} ${sent} inputs, at most ${Math.round(peak / 1e6)} MB`);
      for (const { number, why, input } of findings) {
        found++;
        say('fuzz', `FOUND at ${number}: ${why}`);
        if (input !== undefined) say('fuzz', `  base64 ${input.toString('base64').slice(0, 20_000)}`);
        say(
          'fuzz',
          `  again: npm run fuzz -- --listeners --transport ${way} --kind "${kind}" --seed ${seed} --from ${number} --count 480`,
        );
      }
    }
  }
  return found === 0 ? 0 : 1;
}

/** @param {number} seed @param {{ from: number, count?: number, seconds?: number }} limits */
async function ofTemplates(seed, limits) {
  const { sent, counts, findings, seconds } = await fuzzTemplates({ seed, ...limits });
  say(
    'fuzz',
    `${sent} templates in ${seconds.toFixed(0)} s: ${counts.rendered} rendered, ${counts.refused} refused`,
  );
  for (const { number, why, text } of findings) {
    say('fuzz', `FOUND at ${number}: ${why}`);
    say('fuzz', `  ${JSON.stringify(text)}`);
    say('fuzz', `  again: npm run fuzz -- --templates --seed ${seed} --from ${number} --count 1`);
  }
  return findings.length === 0 ? 0 : 1;
}
