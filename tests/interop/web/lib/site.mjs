// The web site that the SDKs run in: a page, its script, and the vendor's bundles as they come from npm.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const { resolve } = createRequire(import.meta.url);

/** The web builds, by the name that the tests call them. */
const BUNDLES = {
  agora: resolve('agora-chat/Agora-chat.js'),
  easemob: resolve('easemob-websdk/Easemob-chat.js'),
};

const page = (sdk) => `<!doctype html>
<meta charset="utf-8">
<title>${sdk}</title>
<link rel="icon" href="data:,">
<input type="file" id="chosen">
<script src="/${sdk}.sdk.js"></script>
<script src="/page.js"></script>
`;

/** Serves on a free port of this machine, so that to the pages the emulator is another origin, as it is in real life. */
export async function openSite() {
  const files = new Map([['/page.js', ['text/javascript', await readFile(new URL('page.js', import.meta.url))]]]);
  for (const [sdk, bundle] of Object.entries(BUNDLES)) {
    files.set(`/${sdk}`, ['text/html', page(sdk)]);
    files.set(`/${sdk}.sdk.js`, ['text/javascript', await readFile(bundle)]);
  }
  const server = createServer((request, response) => {
    const [type, body] = files.get(request.url) ?? [];
    if (type) response.writeHead(200, { 'content-type': type, 'cache-control': 'max-age=3600' }).end(body);
    else response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: (sdk) => `http://127.0.0.1:${server.address().port}/${sdk}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
