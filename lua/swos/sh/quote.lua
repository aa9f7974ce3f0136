-- Text as a word the shell reads back: in quotes. Pure.
return function(text)
  return "'" .. text:gsub("'", "'\"'\"'") .. "'"
end
