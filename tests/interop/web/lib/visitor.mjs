// A page of the browser with a storage of its own, as each visitor of a site has.

import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { browser } from './browser.mjs';

/** Pages between two tests. A page that shows a site again is there four times as fast as a new one. */
const idle = [];

export class Visitor {
  #context;
  #page;
  #told = () => {};

  /** Opens the page of `sdk` for a visitor who was never there before; what happens in it is told as (event, detail). */
  static async of(sdk, told) {
    const { site } = await browser();
    const visitor = idle.pop() ?? (await Visitor.#arrive());
    visitor.#told = told;
    await visitor.#page.goto(site.url(sdk));
    return visitor;
  }

  static async #arrive() {
    const { chrome } = await browser();
    const visitor = new Visitor();
    visitor.#context = await chrome.newContext();
    visitor.#page = await visitor.#context.newPage();
    await visitor.#listen();
    return visitor;
  }

  /** `uncaught`, `request` (as `METHOD path`, a preflight as `OPTIONS path for METHOD`), and what the page records. */
  async #listen() {
    this.#page.on('pageerror', (error) => this.#told('uncaught', error));
    await this.#page.exposeFunction('record', (event, detail) => this.#told(event, detail));
    const session = await this.#context.newCDPSession(this.#page);
    session.on('Network.requestWillBeSent', ({ request: { method, url, headers } }) => {
      const wish = method === 'OPTIONS' ? ` for ${headers['Access-Control-Request-Method']}` : '';
      this.#told('request', `${method} ${new URL(url).pathname}${wish}`);
    });
    await session.send('Network.enable');
  }

  /** Calls `act` in the page with `argument`; both are copied there, and the answer is copied back. */
  do(act, argument) {
    return this.#page.evaluate(act, argument);
  }

  /** Puts a file into the page's file field; the browser tells its type by its name. */
  async choose({ name, bytes }) {
    const { folder } = await browser();
    const file = join(await mkdtemp(join(folder, 'chosen-')), name);
    await writeFile(file, bytes);
    await this.#page.setInputFiles('#chosen', file);
  }

  /** Leaves the page, and nothing behind. */
  async leave() {
    await this.#page.evaluate(() => localStorage.clear());
    await this.#page.goto('about:blank');
    this.#told = () => {};
    idle.push(this);
  }
}
