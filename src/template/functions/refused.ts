/** Functions of consul-template that there are none of here: using one is an error that says what to do instead. */
import { ANY, ValueError, variadic } from '../language/index.ts';
import { type Group, own } from './entry.ts';

const VAULT =
  'Muster does not read secrets from Vault; keep this template with consul-template, or let Vault Agent write a file and read it with `file`';
const NOMAD = "Muster does not read Nomad's services and variables; keep this template with consul-template";
const MESH = 'Muster has no service mesh: instances are asked for with `service`';
const ENTERPRISE = "Muster has none of Consul Enterprise's partitions, peers and exported services";
const SPEW = 'use `printf "%#v"` or `toJSONPretty` to look at a value';

const REASONS: Readonly<Record<string, string>> = {
  secret: VAULT,
  secrets: VAULT,
  pkiCert: VAULT,
  nomadServices: NOMAD,
  nomadService: NOMAD,
  nomadVarList: NOMAD,
  nomadVarListSafe: NOMAD,
  nomadVar: NOMAD,
  nomadVarExists: NOMAD,
  connect: MESH,
  caRoots: MESH,
  caLeaf: MESH,
  partitions: ENTERPRISE,
  peerings: ENTERPRISE,
  exportedServices: ENTERPRISE,
  importedServices: ENTERPRISE,
  spew_dump: SPEW,
  spew_printf: SPEW,
  spew_sdump: SPEW,
  spew_sprintf: SPEW,
};

/** A function that refuses to be called, with a reason. */
export function refusing(name: string, reason: string) {
  return variadic([ANY], ANY, () => {
    throw new ValueError(`${name} is not available: ${reason}`);
  });
}

export const REFUSED_FUNCTIONS: Group = Object.fromEntries(
  Object.entries(REASONS).map(([name, reason]) => [name, own(refusing(name, reason), reason, '')]),
);
