(set -e; x=$(exit 3); echo no); echo $?
(set -e; x=$(exit 3) || echo $?; echo on)
(set -e; x=$(false)$(true); echo second $?)
(set -e; export x=$(false); echo export)
(set -e; f() { local x=$(false); echo local; }; f)
(set -e; x=$(false) :; echo colon)
(set -e; echo $(false) word; echo after)
(set -e; x=`false`; echo no); echo $?
(set -e; if x=$(false); then :; else echo else; fi; echo end)
