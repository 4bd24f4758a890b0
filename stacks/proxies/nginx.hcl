template {
  source      = "nginx.conf.ctmpl"
  destination = "../.muster/proxies/nginx.conf"
  check       = "nginx -t -q -e stderr -p \"$PWD\" -c {}"
  min_entries = 1
}

wait {
  min = "50ms"
  max = "500ms"
}

exec {
  command       = ["sh", "-c", "exec nginx -e stderr -p \"$PWD\" -c ../.muster/proxies/nginx.conf"]
  reload_signal = "SIGHUP"
  kill_signal   = "SIGQUIT"
  kill_timeout  = "5s"
}
