x=1; sh -c 'echo "[$x]"'
export x; sh -c 'echo "[$x]"'
export y=2 z; z=3; sh -c 'echo "[$y$z]"'
x=5; sh -c 'echo "[$x]"'
v=tmp sh -c 'echo "[$v]"'; echo "[$v]"
unset x; sh -c 'echo "[$x]"'
(export w=sub); echo "[$w]"
