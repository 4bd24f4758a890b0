import { expect, it } from 'vitest';
import { faultsOf } from './read.test-support.ts';
import { parseConfigText, readConfig } from './read.ts';

const group = (rest: string): string => `[[group]]\nname = "web"\n${rest}\n`;

it.each([
  ['command = [""]', '3:12: group[0].command[0]: expected the program, got ""'],
  [
    'command = ["web"]\nports = ["http", "http"]',
    '4:18: group[0].ports[1]: expected another name than "http": both would be PORT_HTTP',
  ],
  [
    'command = ["web"]\nports = ["a-b", "A_B"]',
    '4:17: group[0].ports[1]: expected another name than "a-b": both would be PORT_A_B',
  ],
  ['command = ["web"]\nroute = "cart"', '4:9: group[0].route: expected a path such as "/cart", got "cart"'],
  [
    'command = ["web"]\nautoscale = { max = 3, signal = [{ kind = "cpu", target = 0 }] }',
    '4:59: group[0].autoscale.signal[0].target: expected more than 0, got 0',
  ],
])('%s is refused, with its place', (rest, fault) => {
  expect(faultsOf(group(rest))).toEqual([`muster.toml:${fault}`]);
});

it('a name that a group of another file has is refused: one of the two would run with nobody to end it', () => {
  const [one, two] = ['one.toml', 'two.toml'].map((file) =>
    parseConfigText(file, group('command = ["web"]')),
  );
  expect(() => readConfig([one!, two!])).toThrow(
    'two.toml:2:8: group[1].name: there is a group "web" already',
  );
});
