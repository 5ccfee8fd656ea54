// A replica that counts and profiles itself when it is told to: the honest program, behind counters of
// what it asks of Node. Started in the place of apps/node's main.
import crypto from 'node:crypto';
import fs from 'node:fs';
import { Session } from 'node:inspector/promises';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { WebSocket } from 'ws';
import { loadSodium } from '../../../packages/kernel/codec/dist/node.js';

const SAMPLE_US = 1_000;
const counts = {};

/** Puts a counter in front of a function of an object. */
function count(name, object, method) {
  const original = object[method];
  counts[name] = 0;
  object[method] = function counted(...args) {
    counts[name]++;
    return original.apply(this, args);
  };
}

/** Counts links that are sent to in one turn of the event loop: so many writes would do. */
function countLinkTurns(object, method) {
  const original = object[method];
  const name = 'links sent to, by turn';
  const links = new Set();
  counts[name] = 0;
  object[method] = function counted(...args) {
    if (links.size === 0) setImmediate(() => links.clear());
    if (!links.has(this)) counts[name]++;
    links.add(this);
    return original.apply(this, args);
  };
}

const sodium = loadSodium();
count('signature checks', sodium ?? crypto, sodium ? 'crypto_sign_verify_detached' : 'verify');
count('signs', sodium ?? crypto, sodium ? 'crypto_sign_detached' : 'sign');
count('hashes', crypto, 'hash');
count('writes to disk', fs, 'write');
count('fsyncs beside them', fs, 'fdatasync');
count('timers set', globalThis, 'setTimeout');
count('frames sent', WebSocket.prototype, 'send');
countLinkTurns(WebSocket.prototype, 'send');
// What reaches the socket: one of many chunks is one call of the system, as one of one is.
count('socket writes', net.Socket.prototype, '_write');
count('gathered socket writes', net.Socket.prototype, '_writev');
syncBuiltinESMExports();

/** Calls of functions of ours since the last look; not of async ones, whose every resumption is counted. */
const CALLS = [
  ['decodes', /kernel\/codec\/dist\/canonical\.js$/, 'decode'],
  ['encodes', /kernel\/codec\/dist\/canonical\.js$/, 'encode'],
  ['groups of the log', /edge\/storage\/dist\/segment\.js$/, 'encodeGroup'],
  ['marks', /edge\/storage\/dist\/mark\.js$/, 'encodeSlot'],
  ['steps of the replica', /kernel\/replica\/dist\/replica\.js$/, 'step'],
];

const session = new Session();
session.connect();
await session.post('Profiler.enable');

async function calls() {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const of = ([, file, name]) =>
    result
      .filter(({ url }) => file.test(url))
      .flatMap(({ functions }) => functions.filter((one) => one.functionName === name))
      .reduce((sum, { ranges }) => sum + ranges[0].count, 0);
  return Object.fromEntries(CALLS.map((call) => [call[0], of(call)]));
}

let before;

const TASKS = {
  async startProfile() {
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_US });
    await session.post('Profiler.start');
  },
  stopProfile: async () => (await session.post('Profiler.stop')).profile,
  async startCounts() {
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
    await calls();
    before = { ...counts };
  },
  async stopCounts() {
    const made = Object.entries(counts).map(([name, now]) => [name, now - before[name]]);
    const found = { ...Object.fromEntries(made), ...(await calls()) };
    await session.post('Profiler.stopPreciseCoverage');
    return found;
  },
};

async function perform({ kind }) {
  process.send({ kind: `${kind} done`, value: await TASKS[kind]() });
}

process.on('message', (message) => {
  if (Object.hasOwn(TASKS, message?.kind)) void perform(message);
});
await import('../../../packages/apps/node/dist/main.js');
