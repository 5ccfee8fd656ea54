// The comparison as tables in markdown.
import { CONTENDERS, COUNTS } from './measure.mjs';

/** The figures of one row: a name, its unit, whether less is better, and where it is found. */
const row = (name, unit, of) => ({ name, unit, of });

const clientsOf = (count) => (count === 1 ? '1 client' : `${count} clients`);

const loads = (work, name) =>
  COUNTS.flatMap((count) => {
    const run = (found) => found[`${work}@${count}`];
    if (count > 1) return [row(`${name}, ${count} clients`, '/s', (found) => run(found)?.perSec)];
    return [
      row(`${name}, 1 client, p50`, 'ms', (found) => run(found)?.p50Ms),
      row(`${name}, 1 client, p99`, 'ms', (found) => run(found)?.p99Ms),
      row(`${name}, 1 client`, '/s', (found) => run(found)?.perSec),
    ];
  });

const costs = (work, name) =>
  [1, 64].flatMap((count) => [
    row(
      `CPU of all servers per ${name}, ${clientsOf(count)}`,
      'ms',
      (f) => f[`${work}@${count}`]?.serverCpuMs,
    ),
    row(
      `CPU of the clients per ${name}, ${clientsOf(count)}`,
      'ms',
      (f) => f[`${work}@${count}`]?.clientCpuMs,
    ),
  ]);

/** A commit changes nothing, and is Fatty's alone: beside it stands the put of the others. */
const commitOf = (found, count) => found[`commit@${count}`] ?? found[`put@${count}`];

const ROWS = [
  ...loads('put', 'put of 256 B'),
  row('commit of a no-op beside their put, 1 client, p50', 'ms', (f) => commitOf(f, 1)?.p50Ms),
  row('commit of a no-op beside their put, 1 client, p99', 'ms', (f) => commitOf(f, 1)?.p99Ms),
  ...COUNTS.slice(1).map((count) =>
    row(
      `commit of a no-op beside their put, ${count} clients`,
      '/s',
      (f) => commitOf(f, count)?.perSec,
    ),
  ),
  ...loads('lock', 'lock + unlock, a lock each'),
  ...CONTENDERS.map((count) =>
    row(`hand-offs of one lock, ${count} contenders`, '/s', (f) => f[`handOff@${count}`]?.perSec),
  ),
  row('linearizable get, 1 client, p50', 'ms', (f) => f['get@1']?.p50Ms),
  row('linearizable get, 1 client, p99', 'ms', (f) => f['get@1']?.p99Ms),
  row('SIGSTOP of a server to the next write, median', 'ms', (f) => f.stopped?.medianMs),
  row('SIGSTOP of a server to the next write, worst', 'ms', (f) => f.stopped?.worstMs),
  row('kill -9 of a server to the next write, median', 'ms', (f) => f.killed?.medianMs),
  row('kill -9 of a server to the next write, worst', 'ms', (f) => f.killed?.worstMs),
  ...costs('put', 'put'),
  row('RSS of a server after 64 clients', 'MiB', (f) => f.rssMiB?.each),
];

const NOTES = [
  'Ratios of one run: Fatty against the other, so for times less is better, for rates (/s) more.',
  'etcd and ZooKeeper: three servers, and clients that share one connection for put and get; Fatty: four replicas, and a key, a session and four links for every client. ',
  "ZooKeeper's get is a read of one server, which may be old: its npm client has no sync.",
  'A fault hits the leader of etcd and of ZooKeeper, with clients at the other servers, and the replicas of Fatty in turn, with one client of the SDK linked to all.',
  'Watches are not compared here: tools/bench/watches.mjs measures those of Fatty.',
];

const isNumber = (value) => typeof value === 'number' && !Number.isNaN(value);
export const shown = (value) => (isNumber(value) ? Number(value.toPrecision(4)).toString() : '–');
const ratio = (one, other) =>
  isNumber(one) && other > 0 ? `${(one / other).toPrecision(2)} ×` : '–';

/** Rows with the figure of each system, by its key. */
export function rowsOf(systems) {
  return ROWS.map(({ name, unit, of }) => ({
    work: name,
    unit,
    ...Object.fromEntries(Object.entries(systems).map(([key, { found }]) => [key, of(found)])),
  }));
}

const line = (cells) => `| ${cells.join(' | ')} |`;

export function comparisonTable(systems) {
  const peers = Object.keys(systems).filter((key) => key !== 'fatty');
  const named = (key) => `${systems[key].name} ${systems[key].version}`;
  const head = [
    'work',
    ...peers.map(named),
    named('fatty'),
    ...peers.map((key) => `to ${systems[key].name}`),
  ];
  const lines = rowsOf(systems).map(({ work, unit, fatty, ...others }) =>
    line([
      `${work}, ${unit}`,
      ...peers.map((key) => shown(others[key])),
      shown(fatty),
      ...peers.map((key) => ratio(fatty, others[key])),
    ]),
  );
  return [
    line(head),
    line(head.map(() => '---')),
    ...lines,
    '',
    ...NOTES.map((one) => `- ${one.trim()}`),
  ].join('\n');
}

function verdictOf({ measured, must, isMet, isAimMet }) {
  if (!isNumber(measured)) return 'not measured';
  if (must === undefined) return isAimMet ? 'aim met' : 'aim not met';
  return isMet ? `met${isAimMet ? ', and the aim' : ''}` : 'NOT MET';
}

export function aimsTable(aims) {
  const bound = ({ sign, unit }, value) => (value === undefined ? '–' : `${sign} ${value}${unit}`);
  return [
    line(['work', 'measured', 'must', 'aim', '']),
    line(['---', '---', '---', '---', '---']),
    ...aims.map((aim) =>
      line([
        aim.work,
        isNumber(aim.measured) ? `${shown(aim.measured)}${aim.unit}` : '–',
        bound(aim, aim.must),
        bound(aim, aim.aim),
        verdictOf(aim),
      ]),
    ),
  ].join('\n');
}
