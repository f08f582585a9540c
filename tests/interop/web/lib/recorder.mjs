// Events as they came, to be awaited with a deadline.

import { within } from '../../lib/deadline.mjs';

export class Recorder {
  #seen = [];
  #waiting = new Set();

  /** @param {string} whose for the message of a wait in vain. */
  constructor(whose) {
    this.whose = whose;
  }

  record(event, detail) {
    const waiting = [...this.#waiting].find((waiting) => waiting.event === event && waiting.fits(detail));
    this.#waiting.delete(waiting);
    this.#seen.push({ event, detail, taken: waiting !== undefined });
    waiting?.resolve(detail);
  }

  /** Takes the oldest event of this name that fits and was not taken before; waits for it if need be. */
  next(event, fits = () => true) {
    const seen = this.#seen.find((seen) => !seen.taken && seen.event === event && fits(seen.detail));
    if (seen) {
      seen.taken = true;
      return Promise.resolve(seen.detail);
    }
    const arrival = new Promise((resolve) => this.#waiting.add({ event, fits, resolve }));
    const sofar = () => this.#seen.map(({ event }) => event).join(', ') || 'nothing';
    return within(arrival, () => `${event} (${this.whose}); seen so far: ${sofar()}`);
  }

  /** All events of this name so far, taken or not, in order. */
  all(event) {
    return this.#seen.filter((seen) => seen.event === event).map(({ detail }) => detail);
  }
}
