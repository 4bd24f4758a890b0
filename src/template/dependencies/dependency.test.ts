import { expect, it } from 'vitest';
import { keyDependency, pairsDependency } from './dependency.ts';

it.each([
  ['/', ''],
  ['//conf//app/', 'conf/app/'],
  ['conf/app', 'conf/app'],
])(
  'of the path %j the registry is asked for %j: it sends who asks for empty parts elsewhere',
  (path, asked) => {
    expect(pairsDependency(path)).toMatchObject({ prefix: asked });
    expect(keyDependency(`${path}x@dc1`, true)).toMatchObject({ key: `${asked}x`, datacenter: 'dc1' });
  },
);
