// A bot that tells what a webhook brings.

import { botsToml } from '../../lib/config.mjs';
import { passwordOf } from '../../lib/sdk.mjs';

/**
 * A bot that tells Alice what comes to `/hooks/FORMAT`, with further `keys` of the hook and `options` of the emulator; gives her, the bot and
 * the address.
 */
export async function hookFor(stage, format, { keys, env, users = [], options }) {
  await stage.open({ users: ['alice', 'clerk', ...users], options });
  const hook = `
  [[bot.plugin]]
  kind = "webhook-in"
    [[bot.plugin.hook]]
    path   = "/hooks/${format}"
    format = "${format}"
    to     = { user = "alice" }
    ${keys}
`;
  const config = await stage.config(botsToml(stage.server, { clerk: hook }).replace('[runtime]', '[runtime]\nhttp = "127.0.0.1:0"'));
  const alice = await stage.online('alice');
  const bots = stage.run(config, { CLERK_PASSWORD: passwordOf('clerk'), ...env });
  const [, address] = await bots.line('stderr', /http:\/\/(127\.0\.0\.1:\d+)/);
  await bots.line('stderr', /bot clerk is online/);
  return { alice, bots, url: `http://${address}/hooks/${format}` };
}
