// What an application's page does with the SDK, for a test to call. Runs in the browser, behind the vendor's bundle.
//
// Events and answers leave the page as plain JSON: `record` is the test's, see visitor.mjs.

/* global websdk, record */

/** The easemob bundle is the SDK itself, the agora bundle has it as its default export. */
const sdk = websdk.default ?? websdk;

let connection;

const plain = (value) => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

/** What `promise` comes to, as `{ value }` or `{ refused }`: the SDK rejects with objects that are no errors. */
async function outcome(promise) {
  try {
    return { value: plain(await promise) };
  } catch (error) {
    return { refused: error instanceof Error ? { message: String(error) } : plain(error) };
  }
}

function recorder(events) {
  return Object.fromEntries(events.map((event) => [event, (detail) => void record(event, plain(detail) ?? null)]));
}

/** The image, audio, video or file that the user has chosen, as the SDK takes it. */
const chosen = () => sdk.utils.getFileUrl(document.getElementById('chosen'));

const downloaded = ({ url, secret }) => new Promise((resolve, reject) => sdk.utils.download.call(connection, {
  url,
  secret,
  onFileDownloadComplete: resolve,
  onFileDownloadError: reject,
}));

const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, '0')).join('');

window.page = {
  connect(options, events) {
    sdk.logger.disableAll();
    connection = new sdk.connection(options);
    connection.addEventHandler('test', recorder(events));
  },

  call: (method, args) => outcome(Promise.resolve().then(() => connection[method](...args))),

  send: (message) => outcome(connection.send(sdk.message.create(message))),

  sendChosen: (message) => outcome(connection.send(sdk.message.create({
    ...message,
    file: chosen(),
    ...recorder(['onFileUploadComplete', 'onFileUploadError']),
    onFileUploadProgress: ({ loaded, total }) => void record('onFileUploadProgress', { loaded, total }),
  }))),

  /** How many bytes, and their hash. */
  download: (source) => outcome(downloaded(source).then(async (blob) => ({
    bytes: blob.size,
    sha256: hex(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer())),
  }))),

  /** Shows an image as a page does: straight from its URL, or what the SDK got with the secret. */
  picture: ({ url, secret }) => outcome((async () => {
    const image = new Image();
    image.src = secret ? URL.createObjectURL(await downloaded({ url, secret })) : url;
    await image.decode();
    return { width: image.naturalWidth, height: image.naturalHeight };
  })()),

  /** An image of this size that does not compress well, as base64. */
  paint: (width, height, mimeType) => outcome((async () => {
    const noise = new ImageData(width, height);
    let state = 1;
    for (let at = 0; at < noise.data.length; at += 1) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      noise.data[at] = at % 4 === 3 ? 255 : state >>> 24;
    }
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext('2d').putImageData(noise, 0, 0);
    const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: mimeType })).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  })()),
};
