/** Managed instance groups of Google Compute Engine: Muster resizes what is there, with its own policies. */
import { messageOf } from '../errors.ts';
import { GroupController } from '../group/controller.ts';
import { GceClient, type GceSpec } from '../group/gce/client.ts';
import { MigCrew } from '../group/gce/mig-crew.ts';
import { tokenSource } from '../group/gce/token.ts';
import type { Surroundings } from '../group/surroundings.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Config } from './config/schema.ts';

type GroupConfig = Config['group'][number];

/** When Google cannot be asked at the start it is tried again; ms. */
const RETRY = 10_000;

interface Machines {
  spec: GroupConfig;
  readonly gce: string;
  controller: GroupController | undefined;
  end(): void;
}

export class MachineGroups {
  readonly #options: { readonly clock: Clock; readonly random: () => number; readonly logger: Logger };
  readonly #surroundingsOf: (described: () => GroupConfig) => Surroundings;
  readonly #all = new Map<string, Machines>();

  constructor(
    options: { readonly clock: Clock; readonly random: () => number; readonly logger: Logger },
    surroundingsOf: (described: () => GroupConfig) => Surroundings,
  ) {
    this.#options = options;
    this.#surroundingsOf = surroundingsOf;
  }

  running(): GroupController[] {
    return [...this.#all.values()].flatMap(({ controller }) => controller ?? []);
  }

  /** Looks after those that have `[group.gce]`; machines of those that are gone stay. */
  reload(groups: readonly GroupConfig[]): void {
    const wanted = new Map(groups.flatMap((group) => (group.gce === undefined ? [] : [[group.name, group]])));
    for (const [name, machines] of this.#all) {
      if (JSON.stringify(wanted.get(name)?.gce) === machines.gce) continue;
      machines.end();
      this.#all.delete(name);
    }
    for (const [name, spec] of wanted) {
      const known = this.#all.get(name);
      if (known === undefined) this.#all.set(name, this.#begin(spec, spec.gce as GceSpec));
      else {
        known.spec = spec;
        known.controller?.reconfigure(asItIs(spec, known.controller.view().size));
      }
    }
  }

  /** Idempotent. */
  stop(): void {
    for (const machines of this.#all.values()) machines.end();
    this.#all.clear();
  }

  #begin(spec: GroupConfig, gce: GceSpec): Machines {
    const { clock, random } = this.#options;
    const logger = this.#options.logger.child(`group ${spec.name}`);
    const surroundings = this.#surroundingsOf(() => machines.spec);
    let cancel = () => {};
    let hasEnded = false;
    let trouble = '';
    const machines: Machines = {
      spec,
      gce: JSON.stringify(gce),
      controller: undefined,
      end() {
        hasEnded = true;
        cancel();
        void machines.controller?.release();
      },
    };
    const open = async (): Promise<void> => {
      const token = tokenSource({ ...gce, credentials: gce.credentials, now: () => clock.now() });
      const crew = new MigCrew({ client: new GceClient(gce, token), surroundings, clock, logger });
      try {
        const size = await crew.open();
        if (hasEnded) {
          crew.release();
          return;
        }
        machines.controller = await GroupController.start(
          asItIs(machines.spec, size),
          { clock, random, logger, crew: () => crew },
          surroundings,
        );
        // It may have ended while it started.
        if (hasEnded) await machines.controller.release();
      } catch (error) {
        crew.release();
        if (messageOf(error) !== trouble) logger.error(messageOf(error));
        trouble = messageOf(error);
        if (!hasEnded) cancel = clock.after(RETRY, () => void open());
      }
    };
    void open();
    return machines;
  }
}

/** The size that Google has counts: it is not for the configuration to set it at every start. */
function asItIs(spec: GroupConfig, size: number): GroupConfig {
  return { ...spec, replicas: size };
}
