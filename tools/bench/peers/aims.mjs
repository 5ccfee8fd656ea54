// What the fast path must reach and aims at, against what one run with its peers has measured.

const OPS_PER_SIGNATURE = 256;
const over = (one, other) => (one === undefined || !(other > 0) ? undefined : one / other);

/** At most so much: `must` where there is one, better `aim`. */
const atMost = (work, measured, must, aim, unit) => ({
  work,
  measured,
  must,
  aim,
  unit,
  sign: '≤',
});
const atLeast = (work, measured, must, aim, unit) => ({
  ...atMost(work, measured, must, aim, unit),
  sign: '≥',
});

/** The aims about Fatty alone. */
function ofFatty(found) {
  const single = found['commit@1'];
  const many = found['commit256@64'];
  return [
    atMost('p99 / p50 of a commit, 1 client', over(single?.p99Ms, single?.p50Ms), 4, 3, ' ×'),
    atMost(
      'p99 / p50 of a put, 1 client',
      over(found['put@1']?.p99Ms, found['put@1']?.p50Ms),
      4,
      3,
      ' ×',
    ),
    atMost('replica CPU per round and replica', found.closedRounds?.cpuMs, 1.5, 1, ' ms'),
    atMost('rounds per op, closed loop, 1 client', found.closedRounds?.perOp, 3.3, 3, ''),
    atMost('rounds per op after 10 s of rest', found.restedRounds?.perOp, 4.3, 3, ''),
    atLeast(
      `ops/s, ${OPS_PER_SIGNATURE} per signature, 64 clients`,
      many === undefined ? undefined : many.perSec * OPS_PER_SIGNATURE,
      40_000,
      60_000,
      '/s',
    ),
  ];
}

/** The aims against a peer's figures of the same run; without the peer they are not measured. */
function ofPeers(fatty, etcd, zookeeper) {
  const rate = (work, count) => [
    fatty[`${work}@${count}`]?.perSec,
    etcd[`${work}@${count}`]?.perSec,
  ];
  const put = etcd['put@1']?.p50Ms;
  const writes = etcd['put@64']?.perSec;
  const handOffs = fatty['handOff@16']?.perSec;
  return [
    atMost(
      'commit p50, 1 client, against etcd’s put',
      over(fatty['commit@1']?.p50Ms, put),
      4,
      2,
      ' ×',
    ),
    atMost('put p50, 1 client, against etcd’s', over(fatty['put@1']?.p50Ms, put), 4, 2, ' ×'),
    atLeast('lock + unlock, 1 client, against etcd’s', over(...rate('lock', 1)), 0.2, 0.5, ' ×'),
    atLeast('hand-offs, 16 contenders, against etcd', over(...rate('handOff', 16)), 0.6, 1, ' ×'),
    atLeast(
      'hand-offs, 16 contenders, against ZooKeeper',
      over(handOffs, zookeeper['handOff@16']?.perSec),
      undefined,
      1,
      ' ×',
    ),
    atLeast(
      'single commits/s, 64 clients, against etcd’s puts',
      over(fatty['commit@64']?.perSec, writes),
      0.5,
      1,
      ' ×',
    ),
    atLeast('puts/s, 64 clients, against etcd’s', over(...rate('put', 64)), 0.5, 1, ' ×'),
    atMost(
      'linearizable get p50, 1 client, against etcd’s',
      over(fatty['get@1']?.p50Ms, etcd['get@1']?.p50Ms),
      2,
      1,
      ' ×',
    ),
  ];
}

function reaches({ sign, measured }, bound) {
  if (measured === undefined) return false;
  return bound === undefined || (sign === '≤' ? measured <= bound : measured >= bound);
}

/** Every aim with what was measured, undefined where it was not. */
export function aimsOf(systems) {
  const found = (key) => systems[key]?.found ?? {};
  const fatty = found('fatty');
  return [...ofPeers(fatty, found('etcd'), found('zookeeper')), ...ofFatty(fatty)].map((aim) => ({
    ...aim,
    isMet: reaches(aim, aim.must),
    isAimMet: reaches(aim, aim.aim),
  }));
}
