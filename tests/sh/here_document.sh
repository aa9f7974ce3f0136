x=val
cat <<EOF
plain $x ${x} $(echo sub) `echo bq` $((1+1))
"quotes" 'kept' \$x \\ \a
EOF
cat <<'EOF'
$x `no` \n
EOF
cat <<"E"OF
$x
EOF
