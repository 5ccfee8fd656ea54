// Where the samples of a CPU profile fall: each belongs to the file of its function; what Node does
// for a function of ours (a native call) belongs to who called it.

/** Parts of a round with the files whose functions are theirs; the first that fits counts. */
const PARTS = [
  [
    'sockets',
    /\/node_modules\/ws\/|edge\/network\/|node:(net|internal\/stream|stream|buffer)|internal\/streams/,
  ],
  [
    'disk',
    /edge\/storage\/|node_modules\/lmdb\/|node_modules\/msgpackr|node:fs|internal\/fs|block-index/,
  ],
  [
    'signatures',
    /codec\/dist\/(node|signature|sodium)\.js|sodium-native\/|internal\/crypto|node:crypto/,
  ],
  ['decoding', /codec\/dist\//],
  ['DAG', /kernel\/broadcast\//],
  ['order', /kernel\/order\//],
  ['apply', /lock\/(service|api)\/|kernel\/sessions\/|algorithms\/|cairo\/|hosted\.js/],
  [
    'observers',
    /observer|recorder|metrics|telling|trace|prom-client|\/pino|node_modules\/(pino|sonic-boom|tdigest|bintrees)/,
  ],
  ['gateway', /gateway|backend|clients\/|newcomers|bucket/],
  ['replica', /kernel\/(replica|protocol)\//],
  ['host', /edge\/host\/|apps\/node\//],
  [
    'timers and turns',
    /node:(internal\/)?(timers|process|async|events|event)|internal\/(timers|process)/,
  ],
];
const OTHER = 'the rest of Node';
const GARBAGE = 'garbage';
/** Starting and stopping the profile is no work of the replica. */
const TOOL = /tools\/bench\/rounds\/|inspector/;

const PART_NAMES = [...PARTS.map(([name]) => name), GARBAGE, OTHER];

function partOfUrl(url) {
  return PARTS.find(([, files]) => files.test(url))?.[0] ?? OTHER;
}

/** A node's part, undefined for the tool's own; a counter and a native function take their caller's. */
function partOf(node, parents) {
  for (let at = node; at !== undefined; at = parents.get(at.id)) {
    const { functionName, url } = at.callFrame;
    if (functionName === '(garbage collector)') return GARBAGE;
    if (functionName === 'counted') continue;
    if (TOOL.test(url)) return undefined;
    if (url !== '') return partOfUrl(url);
  }
  return OTHER;
}

/** Busy ms of a profile by part, and the functions that are busy longest. */
export function shares({ nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(
    nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node])),
  );
  const parts = Object.fromEntries(PART_NAMES.map((name) => [name, 0]));
  const functions = new Map();
  samples.forEach((id, i) => {
    const node = byId.get(id);
    const { functionName, url, lineNumber } = node.callFrame;
    if (functionName === '(idle)') return;
    const ms = Math.max(0, timeDeltas[i + 1] ?? 0) / 1_000;
    const part = partOf(node, parents);
    if (part === undefined) return;
    parts[part] += ms;
    const where =
      url === '' ? part : `${url.replace(/^.*\/(packages|node_modules)\//, '')}:${lineNumber + 1}`;
    const name = `${functionName || '(nameless)'} ${where}`;
    functions.set(name, (functions.get(name) ?? 0) + ms);
  });
  const top = [...functions].sort(([, a], [, b]) => b - a);
  return { parts, top };
}
