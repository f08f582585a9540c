// One headless Chromium for the tests of a file.

import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after } from 'node:test';

import { chromium } from 'playwright-core';

import { openSite } from './site.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const FLAGS = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-gpu',
  '--disable-quic',
  '--disable-sync',
  '--no-first-run',
  '--no-sandbox',
  // The SDKs would report to their vendor: nothing leaves this machine.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

let opened;

/** The browser, with a profile of its own that is thrown away, the site it shows, and a folder for a user's files. */
export function browser() {
  opened ??= open();
  return opened;
}

async function open() {
  const [chrome, site, folder] = await Promise.all([
    chromium.launch({ executablePath: findChromium(), args: FLAGS, headless: true }),
    openSite(),
    mkdtemp(join(tmpdir(), 'easebot-web-')),
  ]);
  return { chrome, site, folder };
}

after(async () => {
  if (!opened) return;
  const { chrome, site, folder } = await opened;
  await chrome.close();
  site.close();
  await rm(folder, { recursive: true, force: true });
});

function findChromium() {
  if (process.env.EASEBOT_CHROMIUM) return process.env.EASEBOT_CHROMIUM;
  const places = (process.env.PATH ?? '').split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const found = places.find((place) => existsSync(place));
  if (!found) throw new Error('no Chromium in the PATH: install Debian’s `chromium`, or name another in EASEBOT_CHROMIUM');
  return found;
}
