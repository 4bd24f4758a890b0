#!/usr/bin/env node
// @ts-check
// npm run fuzz -- [--seconds 60] [--seed N] [--store embedded] [--from N --count N]      see test/README.md
import { parseArgs } from 'node:util';
import { setup } from '../../scripts/setup.mjs';
import { stopAllWithUs } from '../../scripts/support/processes.mjs';
import { run, say } from '../../scripts/support/say.mjs';
import { fuzz, reproduction } from './fuzz.mjs';

await run(async () => {
  stopAllWithUs();
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string' },
      seed: { type: 'string' },
      store: { type: 'string' },
      from: { type: 'string' },
      count: { type: 'string' },
    },
  });
  await setup([]);
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  const limits = {
    store: values.store === 'embedded' ? /** @type {const} */ ('embedded') : /** @type {const} */ ('memory'),
    from: Number(values.from ?? 0),
    ...(values.count === undefined ? {} : { count: Number(values.count) }),
    ...(values.count !== undefined && values.seconds === undefined
      ? {}
      : { seconds: Number(values.seconds ?? 60) }),
  };
  say('fuzz', `seed ${seed}`);
  const { sent, counts, findings, peak, slowest, seconds, output } = await fuzz({
    seed,
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
