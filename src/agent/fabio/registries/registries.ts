import type { Backend } from '../config.ts';
import { openConsul } from './consul.ts';
import { openCustom } from './custom.ts';
import { openFile } from './file.ts';
import type { OpenRegistry } from './kind.ts';
import { openStatic } from './static.ts';

/** Every value of `registry.backend`. A new one is a file and a line here. */
export const REGISTRIES = {
  consul: openConsul,
  static: openStatic,
  file: openFile,
  custom: openCustom,
} as const satisfies Record<Backend, OpenRegistry>;
