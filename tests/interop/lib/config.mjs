// A `bots.toml` for bots against the emulator.

/** @param {Record<string, string>} bots the name of each, which is its user too, and the rest of its table in TOML. */
export function botsToml(server, bots) {
  const tables = Object.entries(bots).map(([name, rest]) => `
[[bot]]
name     = "${name}"
app_key  = "${server.appKey}"
user     = "${name}"
password = { env = "${name.toUpperCase()}_PASSWORD" }
endpoint = { rest = "${server.restUrl}", websocket = "${server.websocketUrl}" }
${rest}`);
  return `[runtime]\ndata_dir = "data"\n${tables.join('')}`;
}
