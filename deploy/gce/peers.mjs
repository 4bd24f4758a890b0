#!/usr/bin/env node
// Addresses of the servers of the cluster, one per line: the running machines of this project with the label muster=server.
// For `retry_join = ["exec:node /usr/local/lib/muster/peers.mjs"]`. The machine's service account needs compute.instances.list
// (roles/compute.viewer).
import { metadata } from './metadata.mjs';

const API = process.env.MUSTER_COMPUTE ?? 'https://compute.googleapis.com/compute/v1';

const project = await metadata('project/project-id');
const { access_token: token } = JSON.parse(await metadata('instance/service-accounts/default/token'));
const addresses = [];
let page = '';
do {
  const url = new URL(`${API}/projects/${project}/aggregated/instances`);
  url.searchParams.set('filter', 'labels.muster=server AND status=RUNNING');
  if (page !== '') url.searchParams.set('pageToken', page);
  const answer = await fetch(url, {
    headers: { Authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(10_000),
  });
  if (!answer.ok)
    throw new Error(`${url.host} answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
  const { items = {}, nextPageToken = '' } = await answer.json();
  for (const { instances = [] } of Object.values(items))
    for (const { networkInterfaces = [] } of instances)
      if (networkInterfaces[0]?.networkIP) addresses.push(networkInterfaces[0].networkIP);
  page = nextPageToken;
} while (page !== '');
process.stdout.write(addresses.map((address) => `${address}\n`).join(''));
