-- What other systems have under a name that is not there, and what does that here: said at the prompt.
return {
  vi = "edit FILE", vim = "edit FILE", nano = "edit FILE", emacs = "edit FILE", ed = "edit FILE",
  whoami = "id", who = "id, ps", w = "uptime, ps", groups = "id", tty = "test -t 0",
  su = "exit, and log in as root", sudo = "log in as root",
  systemctl = "svc", service = "svc", journalctl = "svc logs NAME, logtail",
  htop = "top", vmstat = "top, free", pgrep = "ps", pidof = "ps", pkill = "ps, kill PID",
  killall = "ps, kill PID",
  strace = "trace", gdb = "crash", coredumpctl = "crash", mount = "df", lsblk = "df, lsdev", lscpu = "nproc",
  lspci = "lsdev", lsusb = "lsdev", shutdown = "poweroff, reboot", halt = "poweroff",
  nohup = "nothing outlives its session", screen = "&, jobs, fg", tmux = "&, jobs, fg",
  bash = "sh", dash = "sh", source = ". FILE", ["[["] = "[", let = "$((...))", declare = "NAME=VALUE",
  awk = "lua, cut, sed", perl = "lua", python = "lua", python3 = "lua", bc = "calc", expr = "$((...)), calc",
  egrep = "grep -E", fgrep = "grep -F", rgrep = "grep -r", nl = "cat -n", tree = "find", od = "xxd",
  hexdump = "xxd", hd = "xxd", md5sum = "sha256sum", sha1sum = "sha256sum", dd = "head -c, cp",
  ll = "ls -l, alias ll='ls -l'", dir = "ls", vdir = "ls -l", file = "stat, xxd",
  info = "man", apropos = "man -k",
  reset = "stty sane, clear", ln = "cp (there are no links)", tar = "cp -r",
}
