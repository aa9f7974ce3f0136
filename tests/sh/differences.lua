-- Scripts whose output is not dash's, and why: { reason =, output =, status = }; what the swos shell gives.
return {
  ["at_twice.sh"] = {
    reason = "only \"$@\" is quoted in the word, and that is no field; POSIX leaves it open",
    output = "0\n", status = 0,
  },
  ["echo_backslash.sh"] = {
    reason = "echo prints its words as they are, like /bin/echo and most systems' shells; printf has escapes",
    output = "a\\tb \\a\nx\\cy\n", status = 0,
  },
  ["lineno.sh"] = {
    reason = "POSIX's LINENO; Debian's dash is built without it",
    output = "2\nat 3\nyes\n1 6\n2 6\nnone\n11\n12\n13\n1414x\n15 15 is 2\n16 17 32\n19\n20\n21 4\n",
    status = 0,
  },
  ["pattern_caret.sh"] = {
    reason = "[^a] is [!a], as in regular expressions and other shells; POSIX leaves it open",
    output = "abc bc\n", status = 0,
  },
  ["script_missing.sh"] = {
    reason = "127 is POSIX's status for a script that is not there",
    output = "127\n", status = 0,
  },
  ["star_default.sh"] = {
    reason = "without parameters $* counts as unset, like $@; POSIX leaves it open",
    output = "[empty] [empty]\n", status = 0,
  },
  ["test_equals_twice.sh"] = {
    reason = "== is =, as in the latest POSIX and other shells",
    output = "0\n1\n0\n0\n", status = 0,
  },
}
