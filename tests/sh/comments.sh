echo a # comment
# whole line
echo b#c '#d' \#e
: # end
