# consul-template's configuration, with two keys of Muster's: check and min_entries.
template {
  source      = "haproxy.cfg.ctmpl"
  destination = "../.muster/proxies/haproxy.cfg"
  check       = "haproxy -c -f {}"
  min_entries = 1
}

# Several changes within so short a time are one reload.
wait {
  min = "50ms"
  max = "500ms"
}

# The master of HAProxy stays, and keeps the listening sockets: on SIGUSR2 it starts a new worker with them, and the old one
# finishes what it has. SIGUSR1 ends it in the same way.
exec {
  command       = ["haproxy", "-W", "-S", "unix@../.muster/proxies/master.sock", "-f", "../.muster/proxies/haproxy.cfg"]
  reload_signal = "SIGUSR2"
  kill_signal   = "SIGUSR1"
  kill_timeout  = "5s"
}
