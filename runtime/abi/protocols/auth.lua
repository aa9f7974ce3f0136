-- Accounts and sessions (authd).
return {
  name = "auth", id = 4, version = 1, level = 3, stateless = true,
  doc = "Login authority. Console login, sshd and sudo-like tools are its clients.",
  operations = {
    { 1, "login", request = { { "string", "name" }, { "string", "password" } },
      reply = { { "u32", "principal" }, { "u32", "session" }, { "u64", "caps" }, { "u32", "delay_ms", "after a failure: wait this long before the next try" }, { "u32", "reserved" }, { "string", "shell" } },
      receive = { "job" }, cap = "console", idempotent = true, secret = true,
      doc = "Checks the password and makes the session's job; one whose answer never came has ended with the server. LOGIN_INCORRECT takes as long for an unknown name." },
    { 2, "hash", request = { { "string", "password" } },
      reply = { { "u32", "reserved" }, { "u32", "reserved2" }, { "string", "record" } }, cap = "console", idempotent = true, secret = true,
      doc = "The Argon2id record of a password, with a new salt, as the account file has it. INVALID for an empty one." },
  },
}
