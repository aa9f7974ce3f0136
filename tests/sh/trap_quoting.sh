x=before
(trap 'echo "$x"' EXIT; x=after)
(trap "echo $x" EXIT; x=after)
(trap 'for i in 1 2; do echo $i; done' EXIT)
(trap 'echo "a
b"' EXIT)
(trap "echo 'it'\''s'" EXIT)
trap '' INT; trap 'echo t' TERM; trap; trap - INT TERM; trap
