cat <<-EOF
	one
		two
	EOF
if true; then
	cat <<-'X'
	$no
	X
fi
