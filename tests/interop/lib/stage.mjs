// What a test plays on: an emulator of its own, SDK clients, bots. All of it is gone when the test is over.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { within } from './deadline.mjs';
import { Easebot, Emulator } from './easebot.mjs';
import { Client, assertNothingUnhandled, passwordOf } from './sdk.mjs';

/** What `promise` was refused with; fails if it was not. */
export async function refusal(promise) {
  const outcome = await promise.then((value) => ({ value }), (reason) => ({ reason }));
  assert.ok('reason' in outcome, `was not refused: ${JSON.stringify(outcome.value)}`);
  return outcome.reason;
}

/** A test with a stage. It fails as well if the SDK choked on something meanwhile, and then says what our processes said. */
export function scenario(name, play) {
  test(name, async () => {
    const stage = new Stage();
    try {
      await within(play(stage), 'the end of the test', 60_000);
      assertNothingUnhandled();
    } catch (error) {
      console.error(stage.log());
      throw error;
    } finally {
      await stage.clear();
    }
  });
}

class Stage {
  #processes = [];
  #clients = [];
  #folders = [];

  /** Starts the emulator with these users, groups (`{ id: [owner, member, …] }`) and further options of the command. */
  async open({ users = [], groups = {}, options = [] } = {}) {
    const withPasswords = Object.fromEntries(users.map((user) => [user, passwordOf(user)]));
    this.server = await Emulator.start({ users: withPasswords, groups, options });
    this.#processes.push(this.server.process);
  }

  /** A device of `user`, not logged in. */
  client(user, options) {
    const client = new Client(this.server, user, options);
    this.#clients.push(client);
    return client;
  }

  /** A device of `user`, logged in. */
  async online(user, options) {
    const client = this.client(user, options);
    await client.login();
    return client;
  }

  /** Writes a `bots.toml`; gives what `bots` needs to start it, as often as the test likes. */
  async config(text) {
    const folder = await mkdtemp(join(tmpdir(), 'easebot-interop-'));
    this.#folders.push(folder);
    const file = join(folder, 'bots.toml');
    await writeFile(file, text);
    return { file, folder };
  }

  /** `easebot run` with this config. */
  run({ file, folder }, env) {
    const bots = new Easebot(['run', '--config', file], { cwd: folder, env });
    this.#processes.push(bots);
    return bots;
  }

  /** A program of somebody else, with these variables. */
  program(program, env) {
    const process = new Easebot([], { program, env });
    this.#processes.push(process);
    return process;
  }

  log() {
    return this.#processes.map((process) => `${process.name} ${process.args.slice(1).join(' ')}\n${process.log()}`).join('\n');
  }

  async clear() {
    for (const client of this.#clients) client.connection.close();
    // Bots first: they say goodbye to the emulator.
    for (const process of this.#processes.reverse()) await process.stop();
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true });
  }
}
