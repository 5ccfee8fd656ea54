// `node tools/bench/watches.mjs`: from a put to its event, beside the put itself, with a real cell of four processes.
// One watcher and a hundred are clients of the SDK, each believed at f + 1; a thousand are watches at one node, counted
// as they come in over its links.

import { startCell } from '../../packages/apps/cli/dist/index.js';
import { admitOnly } from '../../packages/edge/network/dist/client.js';
import { dial } from '../../packages/edge/network/dist/index.js';
import { sha256, utf8 } from '../../packages/kernel/codec/dist/index.js';
import { nodeScheme } from '../../packages/kernel/codec/dist/node.js';
import {
  decodeGatewayMessage,
  encodeClientMessage,
  topicOf,
} from '../../packages/lock/api/dist/index.js';
import { connect } from '../../packages/lock/client/dist/node.js';

const PUTS = Number(process.env.PUTS ?? 200);
const PATH = '/w/file';
const scheme = nodeScheme();

const sorted = (numbers) => numbers.toSorted((a, b) => a - b);
const at = (numbers, part) =>
  sorted(numbers)[Math.floor((numbers.length - 1) * part)] ?? Number.NaN;
const shown = (numbers) =>
  `p50 ${at(numbers, 0.5).toFixed(2)}  p90 ${at(numbers, 0.9).toFixed(2)}  p99 ${at(numbers, 0.99).toFixed(2)} ms`;

/** Resolves when so many have arrived since. */
class Counter {
  #arrived = 0;
  #wanted = 0;
  #done = () => undefined;
  arrive() {
    this.#arrived += 1;
    if (this.#arrived === this.#wanted) this.#done();
  }
  expect(count) {
    this.#arrived = 0;
    this.#wanted = count;
    return new Promise((resolve) => {
      this.#done = resolve;
    });
  }
}

/** Puts one after the other; answers how long each took, and how long until the last watcher had its event. */
async function measure(writer, counter, watchers, puts) {
  const [commits, events] = [[], []];
  for (let i = 0; i < puts; i++) {
    const all = counter.expect(watchers);
    const beganMs = performance.now();
    const put = writer
      .put(PATH, `value ${i}`)
      .then(() => commits.push(performance.now() - beganMs));
    if (watchers > 0) {
      await all;
      events.push(performance.now() - beganMs);
    }
    await put;
  }
  return { commits, events };
}

function tell(name, { commits, events }) {
  console.log(`${name.padEnd(34)} put    ${shown(commits)}`);
  if (events.length > 0) console.log(`${''.padEnd(34)} event  ${shown(events)}`);
}

async function follow(watch, counter) {
  for await (const event of watch) if (event.path === PATH) counter.arrive();
}

async function bySdk(cell, writer, clients, watchesEach) {
  const counter = new Counter();
  const readers = await Promise.all(Array.from({ length: clients }, () => connect(cell.cellPath)));
  const watches = readers.flatMap((reader) =>
    Array.from({ length: watchesEach }, () => reader.watch('/w', { recursive: true })),
  );
  await Promise.all(watches.map(({ started }) => started));
  for (const watch of watches) void follow(watch, counter);
  const measured = await measure(writer, counter, watches.length, PUTS);
  tell(`${watches.length} watchers, f + 1 of 4`, measured);
  await Promise.all(readers.map((reader) => reader.close()));
}

function ask(link, watch) {
  const topic = topicOf('/w', true);
  const message = { kind: 'watch', watch, topic, from: undefined, room: 1_024 };
  link.send(encodeClientMessage(message), 1);
}

/** Watches at one node alone, 50 a key. */
async function atOneNode(cell, writer, keys) {
  const counter = new Counter();
  const { cellId, committee, addresses } = cell.cell;
  const [{ client: url, key }] = addresses;
  const dialers = await Promise.all(
    Array.from({ length: keys }, (_, i) => {
      const signer = scheme.signer(sha256(utf8(`watcher ${i}`)));
      const admit = admitOnly([key]);
      const identity = {
        cellId,
        epoch: () => committee.epoch,
        role: 'client',
        signer,
        scheme,
        admit,
      };
      const begun = new Set();
      return new Promise((resolve) => {
        const dialer = dial({
          url,
          insecure: false,
          identity,
          handler: {
            up: (link) => {
              for (let watch = 1; watch <= 50; watch++) ask(link, watch);
            },
            message: (link, bytes) => {
              const said = decodeGatewayMessage(bytes, 1 << 21);
              if (!said.ok) return;
              const { kind, watch, events = [] } = said.value;
              // Keys without a session have to wait for their turn.
              if (kind === 'watchEnded') setTimeout(() => ask(link, watch), 500);
              if (kind !== 'watched') return;
              begun.add(watch);
              if (begun.size === 50) resolve(dialer);
              if (events.length === 0) return;
              counter.arrive();
              link.send(encodeClientMessage({ kind: 'watchMore', watch, room: 1 }), 1);
            },
            down: () => undefined,
          },
        });
      });
    }),
  );
  tell(`${keys * 50} watches at one node`, await measure(writer, counter, keys * 50, PUTS / 2));
  for (const dialer of dialers) dialer.close();
}

const cell = await startCell({ logLevel: 'error' });
const writer = await connect(cell.cellPath);
try {
  await writer.put(PATH, 'first', { parents: true });
  await measure(writer, new Counter(), 0, PUTS);
  tell('nobody watches', await measure(writer, new Counter(), 0, PUTS));
  await bySdk(cell, writer, 1, 1);
  await bySdk(cell, writer, 10, 10);
  await atOneNode(cell, writer, 20);
  tell('nobody watches', await measure(writer, new Counter(), 0, PUTS));
} finally {
  await writer.close();
  await cell.close();
}
