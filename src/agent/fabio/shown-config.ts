/** The settings in force in the shape of fabio's `/api/config`: nested, with Go's names. Secrets are left out. */
import type { FabioConfig } from './config.ts';

const MS = 1_000_000;

export function shownConfig({
  values,
  strategy,
  table,
  access,
  backend,
  rule,
  listeners,
}: FabioConfig): object {
  const text = (name: keyof typeof values) => values[name];
  return {
    Proxy: {
      Strategy: strategy,
      Matcher: table.matcher,
      NoRouteStatus: text('proxy.noroutestatus'),
      MaxConn: text('proxy.maxconn'),
      ShutdownWait: values['proxy.shutdownwait'] * MS,
      DeregisterGracePeriod: values['proxy.deregistergraceperiod'] * MS,
      DialTimeout: values['proxy.dialtimeout'] * MS,
      ResponseHeaderTimeout: values['proxy.responseheadertimeout'] * MS,
      KeepAliveTimeout: values['proxy.keepalivetimeout'] * MS,
      IdleConnTimeout: values['proxy.idleconntimeout'] * MS,
      LocalIP: text('proxy.localip'),
      ClientIPHeader: text('proxy.header.clientip'),
      TLSHeader: text('proxy.header.tls'),
      TLSHeaderValue: text('proxy.header.tls.value'),
      RequestID: text('proxy.header.requestid'),
      STSHeader: {
        MaxAge: text('proxy.header.sts.maxage'),
        Subdomains: text('proxy.header.sts.subdomains'),
        Preload: text('proxy.header.sts.preload'),
      },
    },
    Registry: {
      Backend: backend,
      Static: { Routes: text('registry.static.routes'), NoRouteHTML: text('registry.static.noroutehtml') },
      File: {
        RoutesPath: text('registry.file.path'),
        NoRouteHTMLPath: text('registry.file.noroutehtmlpath'),
      },
      Consul: {
        Addr: values['registry.consul.addr'].replace(/^https?:\/\//, ''),
        Scheme: values['registry.consul.addr'].startsWith('https://') ? 'https' : 'http',
        KVPath: text('registry.consul.kvpath'),
        NoRouteHTMLPath: text('registry.consul.noroutehtmlpath'),
        TagPrefix: text('registry.consul.tagprefix'),
        Register: text('registry.consul.register.enabled'),
        ServiceName: text('registry.consul.register.name'),
        ServiceTags: text('registry.consul.register.tags'),
        ServiceStatus: rule.statuses,
        ChecksRequired: rule.checksRequired,
        PollInterval: values['registry.consul.pollinterval'] * MS,
        RequireConsistent: text('registry.consul.requireConsistent'),
        AllowStale: text('registry.consul.allowStale'),
      },
    },
    Listen: listeners.map(({ host, port, protocol, certificates, strictMatch, proxyProtocol }) => ({
      Addr: `${host.includes(':') ? `[${host}]` : host}:${port}`,
      Proto: protocol,
      CertSource: { Name: certificates },
      StrictMatch: strictMatch,
      ProxyProto: proxyProtocol,
    })),
    Log: {
      AccessFormat: text('log.access.format'),
      AccessTarget: text('log.access.target'),
      RoutesFormat: text('log.routes.format'),
      Level: text('log.level'),
    },
    Metrics: {
      Target: text('metrics.target'),
      Prefix: text('metrics.prefix'),
      Names: text('metrics.names'),
      Interval: values['metrics.interval'] * MS,
    },
    UI: { Access: access, Color: text('ui.color'), Title: text('ui.title'), Path: text('ui.path') },
    GlobMatchingDisabled: !table.globs,
  };
}
