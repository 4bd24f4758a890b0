import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultOfListener, faultOfTarget } from './fitness.ts';
import { type KernelListener, tableRules, targetRules } from './ruleset.ts';

const listener: KernelListener = {
  id: 'l0',
  protocol: 'tcp',
  host: '10.0.0.1',
  port: 80,
  choice: 'rr',
  masquerade: true,
};
const at = (host: string, weight = 1) => ({ host, port: 8080, weight });

describe('rules for the kernel', () => {
  it('replace what a process of the same name left behind, and lead each listener to a chain of its own', () => {
    const rules = tableRules('t', [
      listener,
      { ...listener, id: 'l1', protocol: 'udp', host: '::', masquerade: false },
    ]);
    expect(rules.split('\n').slice(0, 3)).toEqual([
      'add table inet t',
      'delete table inet t',
      'add table inet t',
    ]);
    expect(rules).toContain('add rule inet t prerouting ip daddr 10.0.0.1 tcp dport 80 jump l0\n');
    expect(rules).toContain(
      'add rule inet t output meta nfproto ipv6 fib daddr type local udp dport 80 jump l1\n',
    );
    expect(rules.match(/masquerade/g)).toHaveLength(1);
  });

  it.each([
    ['nobody', [], ''],
    ['one', [at('10.0.1.1')], 'add rule inet t l0 meta l4proto tcp counter dnat ip to 10.0.1.1:8080\n'],
    ['nobody new', [at('10.0.1.1', 0)], ''],
    [
      'two',
      [at('10.0.1.1'), at('10.0.1.2')],
      'add rule inet t l0 meta l4proto tcp counter dnat ip addr . port to numgen inc mod 2 map { 0 : 10.0.1.1 . 8080, 1 : 10.0.1.2 . 8080 }\n',
    ],
  ])('send flows to %s', (_, targets, rule) => {
    expect(targetRules('t', listener, targets)).toBe(`flush chain inet t l0\n${rule}`);
  });

  it('stay with the client where that is asked for', () => {
    const rules = targetRules('t', { ...listener, host: '2001:db8::1', choice: 'client' }, [
      at('2001:db8::2'),
      at('2001:db8::3'),
    ]);
    expect(rules).toContain('dnat ip6 addr . port to jhash ip6 saddr mod 2 map');
  });

  it('give every weight its share', () => {
    const weights = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(weights, (given) => {
        const rules = targetRules(
          't',
          listener,
          given.map((weight, number) => at(`10.0.1.${number}`, weight)),
        );
        const positive = given.filter((weight) => weight > 0);
        if (positive.length < 2) return;
        const places = [...rules.matchAll(/\d+ : 10\.0\.1\.(\d+) \. 8080/g)].map(([, number]) =>
          Number(number),
        );
        expect(rules).toContain(`mod ${places.length} map`);
        const total = positive.reduce((sum, weight) => sum + weight, 0);
        for (const [number, weight] of given.entries()) {
          const share = places.filter((place) => place === number).length / places.length;
          expect(share).toBeCloseTo(weight / total, 2);
        }
      }),
    );
  });
});

describe('what the kernel cannot do', () => {
  it.each([
    ['10.0.0.1', '10.0.1.1', ''],
    ['127.0.0.1', '127.0.0.1', ''],
    ['10.0.0.1', 'db.internal', 'resolves no names'],
    ['10.0.0.1', '2001:db8::2', 'not of one IP version'],
    ['10.0.0.1', '127.0.0.1', 'is a loopback address'],
    ['127.0.0.1', '10.0.1.1', 'leaves this machine from the loopback address'],
  ])('from %s to %s: %s', (listen, target, fault) => {
    const said = faultOfTarget({ host: listen }, { host: target });
    if (fault === '') expect(said).toBe('');
    else expect(said).toContain(fault);
  });

  it('is to listen on a name', () => {
    expect(faultOfListener({ host: 'balancer.test' })).toContain('needs an IP address');
  });
});
