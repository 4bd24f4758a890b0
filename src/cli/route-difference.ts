/** What is different between two lists of routes, in lines for people. */
import type { RouteView } from '../api/muster/wire.ts';

type Route = Pick<RouteView, 'key' | 'service' | 'strategy' | 'options' | 'targets'>;
type RouteTarget = Route['targets'][number];

/** "+" comes, "-" goes, "~" is another one; empty when there is no difference. */
export function routeDifference(before: readonly Route[], after: readonly Route[]): string[] {
  const old = new Map(before.map((route) => [route.key, route]));
  const next = new Map(after.map((route) => [route.key, route]));
  return [...new Set([...old.keys(), ...next.keys()])].sort().flatMap((key) => {
    const [was, is] = [old.get(key), next.get(key)];
    if (was === undefined)
      return [`+ ${key}  ${titleOf(is!)}`, ...is!.targets.map((one) => `    + ${targetText(one)}`)];
    if (is === undefined) return [`- ${key}  ${titleOf(was)}`];
    const changes = changesOf(was, is);
    return changes.length === 0 ? [] : [`~ ${key}  ${is.service}`, ...changes.map((text) => `    ${text}`)];
  });
}

function titleOf({ service, strategy, options }: Route): string {
  return [service, strategy, ...Object.entries(options).map(([name, value]) => `${name}=${value}`)].join(
    ', ',
  );
}

function changesOf(before: Route, after: Route): string[] {
  const words = (route: Route) => new Map(Object.entries({ strategy: route.strategy, ...route.options }));
  const [was, is] = [words(before), words(after)];
  const options = [...new Set([...was.keys(), ...is.keys()])].flatMap((name) =>
    was.get(name) === is.get(name) ? [] : [`${name}: ${was.get(name) ?? 'none'} → ${is.get(name) ?? 'none'}`],
  );
  const service = before.service === after.service ? [] : [`service: ${before.service} → ${after.service}`];
  return [...service, ...options, ...targetChanges(before.targets, after.targets)];
}

function targetChanges(before: readonly RouteTarget[], after: readonly RouteTarget[]): string[] {
  const keyOf = ({ instance, address }: RouteTarget) => `${instance} ${address}`;
  const old = new Map(before.map((one) => [keyOf(one), one]));
  const next = new Map(after.map((one) => [keyOf(one), one]));
  const gone = before.filter((one) => !next.has(keyOf(one))).map((one) => `- ${targetText(one)}`);
  const others = after.flatMap((one) => {
    const was = old.get(keyOf(one));
    if (was === undefined) return [`+ ${targetText(one)}`];
    return percent(was) === percent(one) ? [] : [`${targetText(was)} → ${percent(one)}`];
  });
  return [...gone, ...others];
}

function targetText(target: RouteTarget): string {
  return `${target.instance} at ${target.address}: ${percent(target)}`;
}

function percent({ share }: RouteTarget): string {
  return `${Number((share * 100).toFixed(1))} %`;
}
