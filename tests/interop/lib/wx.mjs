// The part of a WeChat mini program's `wx` object that the vendor's SDK uses, on Node.
//
// Each client gets an object of its own, as each phone has its own WeChat: storage and files are not shared.

import { WebSocket } from 'ws';

/**
 * @param {Map<string, unknown>} storage what the device remembers; give the same map again for "the same device".
 * @param {(url: string) => string} route where a request goes, as a name server and a proxy would say it.
 */
export function makeWx(storage = new Map(), route = (url) => url) {
  const files = new Map();
  return {
    canIUse: () => true,
    env: { USER_DATA_PATH: 'wxfile://usr' },
    getSystemInfo: ({ success }) => success?.({ platform: 'devtools', system: 'Node', model: 'Node', SDKVersion: '3.0.0' }),
    getNetworkType: ({ success }) => success?.({ networkType: 'wifi' }),
    onNetworkStatusChange() {},
    offNetworkStatusChange() {},
    onAppShow() {},
    onAppHide() {},

    getStorageSync: (key) => storage.get(key) ?? '',
    setStorageSync: (key, data) => void storage.set(key, data),
    removeStorageSync: (key) => void storage.delete(key),
    setStorage({ key, data, success, complete }) {
      storage.set(key, data);
      success?.({});
      complete?.({});
    },

    connectSocket,
    request: (options) => settle(options, () => request({ ...options, url: route(options.url) })),
    uploadFile: (options) => settle(options, () => upload(files, options)),
    downloadFile: (options) => settle(options, () => download(files, options)),
    getFileSystemManager: () => fileSystem(files),
  };
}

function connectSocket({ url, header, success }) {
  const socket = new WebSocket(url, { headers: header, perMessageDeflate: false });
  socket.binaryType = 'arraybuffer';
  success?.({});
  return {
    get readyState() {
      return socket.readyState;
    },
    send({ data, success, fail }) {
      if (socket.readyState !== WebSocket.OPEN) return fail?.({ errMsg: 'sendSocketMessage:fail not connected' });
      socket.send(data, (error) => (error ? fail?.({ errMsg: error.message }) : success?.({})));
    },
    close({ code = 1000, reason } = {}) {
      socket.close(code, reason);
    },
    onOpen: (listener) => socket.on('open', () => listener({})),
    onMessage: (listener) => socket.on('message', (data) => listener({ data })),
    onClose: (listener) => socket.on('close', (code, reason) => listener({ code, reason: reason.toString() })),
    onError: (listener) => socket.on('error', (error) => listener({ errMsg: error.message })),
  };
}

/** wx reports by callbacks: `success` or `fail`, and `complete` after either. */
async function settle({ success, fail, complete }, work) {
  let report = success;
  let result;
  try {
    result = await work();
  } catch (error) {
    report = fail;
    result = { errMsg: `fail ${error.message}` };
  }
  report?.(result);
  complete?.(result);
}

async function request({ url, method = 'GET', header = {}, data }) {
  const hasBody = method.toUpperCase() !== 'GET';
  const target = new URL(url);
  if (!hasBody) for (const [key, value] of Object.entries(data ?? {})) target.searchParams.append(key, value);
  const body = hasBody ? (typeof data === 'object' ? JSON.stringify(data) : data) : undefined;
  const response = await fetch(target, { method: method.toUpperCase(), headers: header, body });
  const text = await response.text();
  return { statusCode: response.status, data: jsonOr(text), header: Object.fromEntries(response.headers) };
}

function jsonOr(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function upload(files, { url, filePath, name, header = {}, formData = {} }) {
  const form = new FormData();
  for (const [key, value] of Object.entries(formData)) form.append(key, value);
  form.append(name, new Blob([readFile(files, filePath)]), filePath.split('/').pop());
  // The boundary belongs into this header: only fetch knows it.
  const headers = Object.fromEntries(Object.entries(header).filter(([key]) => key.toLowerCase() !== 'content-type'));
  const response = await fetch(url, { method: 'POST', headers, body: form });
  return { statusCode: response.status, data: await response.text() };
}

async function download(files, { url }) {
  const response = await fetch(url);
  const tempFilePath = `wxfile://tmp/${files.size}`;
  files.set(tempFilePath, Buffer.from(await response.arrayBuffer()));
  return { statusCode: response.status, tempFilePath };
}

function fileSystem(files) {
  return {
    writeFile: ({ filePath, data, ...rest }) => settle(rest, () => void files.set(filePath, Buffer.from(data))),
    readFile: ({ filePath, ...rest }) => settle(rest, () => ({ data: arrayBuffer(readFile(files, filePath)) })),
    readFileSync: (filePath) => arrayBuffer(readFile(files, filePath)),
    statSync: (filePath) => ({ size: readFile(files, filePath).length }),
    unlink: ({ filePath, ...rest }) => settle(rest, () => void files.delete(filePath)),
  };
}

function readFile(files, filePath) {
  const file = files.get(filePath);
  if (!file) throw new Error(`no such file ${filePath}`);
  return file;
}

const arrayBuffer = (buffer) => buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength);
