// The stage of `../../lib/stage.mjs`, with pages on it.

import { scenario } from '../../lib/stage.mjs';
import { WebClient } from './client.mjs';

/** A test with a stage and pages. It fails as well if something in a page was thrown and not caught. */
export function webScenario(name, play) {
  scenario(name, async (stage) => {
    const web = new Web(stage);
    const errors = [];
    const note = (error) => void errors.push(error);
    await play(stage, web).catch(note);
    // What nobody caught may be on its way until the pages are left.
    await web.close().catch(note);
    errors.push(...web.uncaught());
    if (errors.length > 1) throw new AggregateError(errors, errors.map(String).join('; '));
    if (errors.length === 1) throw errors[0];
  });
}

class Web {
  #stage;
  #clients = [];

  constructor(stage) {
    this.#stage = stage;
  }

  /** A page of `user`, not logged in; `options` go to the SDK, but for `sdk`, which names it. */
  async client(user, options) {
    const client = await WebClient.open(this.#stage.server, user, options);
    this.#clients.push(client);
    return client;
  }

  /** A page of `user`, logged in. */
  async online(user, options) {
    const client = await this.client(user, options);
    await client.login();
    return client;
  }

  uncaught() {
    return this.#clients.flatMap((client) => client.all('uncaught'));
  }

  async close() {
    for (const client of this.#clients) await client.visitor.leave();
  }
}
