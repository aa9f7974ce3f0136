x=abc123
echo ${x%%[0-9]*} ${x##*[a-z]} ${x#[!0-9]} ${x#[abc][abc]} ${x%[[:digit:]]}
