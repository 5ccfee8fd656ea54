// Looks at all that a replica needs of its host and of the others.
import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { equalBytes, ok, type Signer, toHex } from '@fatty/codec';
import type { Outcome, PublicKey } from '@fatty/interface';
import { contactsOf, quorum } from '@fatty/protocol';
import { hasChain } from './chain-file.ts';
import type { NodeConfig } from './config.ts';
import { examineCertificate } from './doctor/certificate.ts';
import { clockOffsetMs, judgeClock } from './doctor/clock.ts';
import { examineDisk, examineRoom } from './doctor/disk.ts';
import { bad, type Finding, good, warning } from './doctor/finding.ts';
import { forecast, judgeReach, reach } from './doctor/reach.ts';
import { loadCell } from './init.ts';
import { loadSigner } from './keys.ts';
import { examineMembers, examineOwnKey, placeOf } from './members-examined.ts';
import { membersToday, type Today } from './members-today.ts';

const NODE_MIN = [20, 19] as const;

/**
 * Examines the host of a replica and its ways to the others; changes nothing, but for a file that it writes
 * and removes to time the disk. The replica may run meanwhile.
 */
export async function examine(config: NodeConfig): Promise<readonly Finding[]> {
  const signer = loadSigner(join(config.dir, 'key.pem'));
  const own = signer.ok ? signer.value : undefined;
  const today = await todayOf(config, own);
  return [
    examineNode(process.versions.node),
    examineKey(config.dir),
    examineCell(config, today, own?.publicKey),
    ...(await Promise.all([
      examineRoom(config.dir, config.diskFreeBytesMin),
      examineDisk(config.dir),
    ])),
    examineCertificate(config, Date.now()),
    await examineProcess(config),
    ...(today.ok ? [examineMembers(today.value)] : []),
    ...(today.ok ? await examineOthers(config, today.value, own?.publicKey) : []),
  ];
}

async function todayOf(config: NodeConfig, signer: Signer | undefined): Promise<Outcome<Today>> {
  const { dir, insecure } = config;
  const cell = loadCell(config.cell);
  if (!cell.ok) return cell;
  return ok(
    await membersToday({ dir, cell: cell.value, signer, ca: authorities(config), insecure }),
  );
}

/** @param version of Node */
export function examineNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isEnough = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
  if (isEnough) return good('node', version);
  return bad('node', version, `Node ${NODE_MIN.join('.')} or newer`);
}

function examineKey(dir: string): Finding {
  const path = join(dir, 'key.pem');
  const signer = loadSigner(path);
  if (!signer.ok) return bad('key', signer.failure.actual, 'the key file of this member');
  if ((statSync(path).mode & 0o077) !== 0) {
    return warning('key', `others may read ${path}`, `chmod 600 ${path}`);
  }
  return good('key', toHex(signer.value.publicKey));
}

function examineCell(
  config: NodeConfig,
  today: Outcome<Today>,
  key: PublicKey | undefined,
): Finding {
  if (today.ok) return examineOwnKey(today.value, key, hasChain(config.dir));
  const { code, actual } = today.failure;
  return bad('cell', `${code}: ${actual}`, `copy cell.json from another member to ${config.cell}`);
}

/** What the replica says, if it runs; else whether it could have its ports. */
async function examineProcess({
  httpPort,
  host,
  peerPort,
  clientPort,
}: NodeConfig): Promise<Finding> {
  const said = httpPort === 0 ? undefined : await readiness(httpPort);
  if (said !== undefined) {
    const wrong = said.split('\n').filter((line) => line.startsWith('[-]'));
    if (wrong.length === 0) return good('process', 'runs, and is ready');
    return warning('process', wrong.join('; '), 'see the line of /readyz in the runbook');
  }
  const taken: number[] = [];
  for (const port of [peerPort, clientPort].filter((one) => one !== 0)) {
    if (!(await isFree(host, port))) taken.push(port);
  }
  if (taken.length === 0) return good('process', 'does not run; its ports are free');
  const advice =
    'end the other program, or run with httpPort set, so that its own replica is known';
  return warning('process', `somebody listens on ${taken.join(' and ')}`, advice);
}

async function readiness(port: number): Promise<string | undefined> {
  try {
    const signal = AbortSignal.timeout(2_000);
    return await (await fetch(`http://127.0.0.1:${port}/readyz`, { signal })).text();
  } catch {
    return undefined;
  }
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

async function examineOthers(
  config: NodeConfig,
  today: Today,
  key: PublicKey | undefined,
): Promise<Finding[]> {
  const ca = authorities(config);
  const contacts = contactsOf(today.cell);
  const me = placeOf(today, key);
  const others = today.members.flatMap((one, member) => {
    const at = contacts.find((contact) => equalBytes(contact.key, one));
    return member === me ? [] : [{ member, peer: at?.peer ?? '', client: at?.client ?? '' }];
  });
  const [reached, offsets] = await Promise.all([
    Promise.all(others.map(({ member, peer }) => reach(member, peer, ca))),
    Promise.all(others.map(({ client }) => clockOffsetMs(client, ca))),
  ]);
  return [
    ...reached.map(judgeReach),
    forecast(reached, { members: today.members.length, needed: quorum(today) }),
    judgeClock(offsets),
  ];
}

function authorities({ tlsCa, tlsCert }: NodeConfig): string | undefined {
  const path = tlsCa === '' ? tlsCert : tlsCa;
  try {
    return path === '' ? undefined : readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
