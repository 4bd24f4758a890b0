import { describe, expect, it } from 'vitest';
import { type Happening, tell } from './words.ts';

const joined = (number: number): Happening => ({
  kind: 'joined',
  what: `hello-${number}`,
  instance: `n1/hello-${number}`,
  service: 'hello-server',
  state: 'passing',
});

const texts = (happenings: Happening[]) => tell(happenings, 1, 0).map(({ text }) => text);

describe('changes in words', () => {
  it('name the instance, the service and what became of it', () => {
    expect(
      texts([
        joined(3),
        { kind: 'left', what: 'hello-2', service: 'hello-server' },
        { kind: 'state', what: 'hello-1', service: 'hello-server', state: 'critical', reason: 'refused' },
        { kind: 'state', what: 'hello-4', service: 'hello-server', state: 'maintenance' },
        { kind: 'joined', what: 'web-1', service: 'web', state: 'critical' },
        { kind: 'route', what: '/hello/', service: 'hello-server', became: 'added' },
        { kind: 'node', what: 'n2', became: 'joined' },
        { kind: 'key', what: 'config/limit', became: 'set' },
      ]),
    ).toEqual([
      'instance hello-3 joined hello-server',
      'instance hello-2 left hello-server',
      'instance hello-1 of hello-server is critical',
      'instance hello-4 of hello-server is in maintenance',
      'instance web-1 joined web, critical',
      'route /hello/ to hello-server added',
      'node n2 joined',
      'key config/limit set',
    ]);
  });

  it('keep the reason beside the sentence', () => {
    const [line] = tell(
      [{ kind: 'state', what: 'a', service: 's', state: 'ejected', reason: '3 connects refused' }],
      7,
      99,
    );
    expect(line).toMatchObject({ seq: 7, at: 99, state: 'ejected', reason: '3 connects refused' });
  });

  it('make one line of many of a sort, and bound what it names', () => {
    const lines = tell(
      Array.from({ length: 38 }, (_, index) => joined(index)),
      1,
      0,
    );
    expect(lines.map(({ text }) => text)).toEqual(['38 instances joined hello-server']);
    expect(lines[0]?.instances).toHaveLength(20);
  });

  it('count on', () => {
    expect(tell([joined(1), joined(2)], 5, 0).map(({ seq }) => seq)).toEqual([5, 6]);
  });
});
