/** A node, its services and their checks, as `register` takes them. */
export const NODE = {
  id: '',
  name: 'n',
  address: '10.0.0.1',
  datacenter: 'dc1',
  taggedAddresses: null,
  meta: null,
};

export const serviceRow = (id: string, name: string, tags: string[] = []) => ({
  id,
  name,
  kind: '',
  tags,
  address: '',
  taggedAddresses: null,
  meta: null,
  port: 80,
  socketPath: '',
  weights: { passing: 1, warning: 1 },
  enableTagOverride: false,
});

/** Of a service, or of its node without one. */
export const checkRow = (id: string, serviceId = '') => ({
  id,
  name: id,
  status: 'passing' as const,
  notes: '',
  output: '',
  serviceId,
  type: '',
  interval: '',
  timeout: '',
  definition: {},
});
