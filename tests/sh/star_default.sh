set --
echo "[${*-empty}]" "[${@-empty}]"
