// The settings of a replica process.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, ok } from '@fatty/codec';
import type { Outcome } from '@fatty/interface';
import { isPlainBeyond, urlHost } from '@fatty/network';
import * as v from 'valibot';

const port = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535));
/** From text: `true` and `false`. */
const flag = v.pipe(
  v.union([v.boolean(), v.picklist(['true', 'false'])]),
  v.transform((value) => value === true || value === 'true'),
);
/** From text: with commas between. */
const names = v.pipe(
  v.union([v.string(), v.array(v.string())]),
  v.transform((value) => (typeof value === 'string' ? value.split(',') : value)),
  v.transform((all) => all.map((one) => one.trim()).filter((one) => one !== '')),
);
const origin = v.check<string[], string>(
  (all) => all.every((one) => one === '*' || (URL.canParse(one) && new URL(one).origin === one)),
  'origins like https://app.example, or *',
);
const positive = v.pipe(v.number(), v.integer(), v.minValue(1));

/** One setting. */
export interface Option {
  readonly schema: v.GenericSchema;
  readonly fallback: string | number | boolean | undefined;
  /** One line for the reference. */
  readonly about: string;
}

const option = (schema: v.GenericSchema, fallback: Option['fallback'], about: string): Option => ({
  schema,
  fallback,
  about,
});

/** The settings of one replica process; see {@link OPTIONS} for units and defaults. */
export interface NodeConfig {
  readonly dir: string;
  readonly cell: string;
  readonly host: string;
  readonly advertise: string;
  readonly peerPort: number;
  readonly clientPort: number;
  readonly httpPort: number;
  readonly tlsCert: string;
  readonly tlsKey: string;
  readonly tlsCa: string;
  readonly insecure: boolean;
  readonly allowOrigins: readonly string[];
  readonly allowHosts: readonly string[];
  readonly logLevel: string;
  readonly record: string;
  readonly algorithm: string;
  readonly console: boolean;
  readonly clientMessagesPerSecMax: number;
  readonly clientBytesPerSecMax: number;
  readonly clientsMax: number;
  readonly verifierQueueMax: number;
  readonly diskFreeBytesMin: number;
}

/** The name of a setting. */
export type OptionName = keyof NodeConfig;

/** Every setting of a replica process: file key, `FATTY_<NAME>` and `--name` are the same word. */
export const OPTIONS: Readonly<Record<OptionName, Option>> = {
  dir: option(v.string(), undefined, 'folder of this replica (key.pem, log, state.lmdb)'),
  cell: option(v.string(), undefined, 'path of cell.json; default ../cell.json beside dir'),
  host: option(v.string(), '127.0.0.1', 'address to bind; nothing leaves loopback unless told'),
  advertise: option(
    v.string(),
    '',
    'host name or address at which others reach this replica; default host, and needed where host is a wildcard (0.0.0.0, ::)',
  ),
  peerPort: option(port, 0, 'port for the other replicas; 0 takes a free one'),
  clientPort: option(port, 0, 'port for clients; 0 takes a free one'),
  httpPort: option(port, 0, 'port of /livez /readyz /metrics, always on loopback'),
  tlsCert: option(v.string(), '', 'certificate file (PEM); with tlsKey the links are wss'),
  tlsKey: option(v.string(), '', 'private key file (PEM) of tlsCert'),
  tlsCa: option(
    v.string(),
    '',
    'authorities (PEM file) of the peers’ certificates; default tlsCert',
  ),
  insecure: option(
    flag,
    false,
    'true: plain ws beyond loopback, where whoever is on the path can forge what clients are told',
  ),
  allowOrigins: option(
    v.pipe(names, origin),
    '',
    'origins (https://app.example, …) whose pages may be clients; `*` for all; default none',
  ),
  allowHosts: option(
    names,
    '',
    'names under which HTTP is answered, besides advertise, host, localhost and any address',
  ),
  logLevel: option(
    v.picklist(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace']),
    'info',
    'least severe message that is logged',
  ),
  record: option(v.string(), '', 'file that receives the trace of this replica, for charts'),
  algorithm: option(
    v.string(),
    '',
    'module (.js) of the algorithm to host in place of the lock service; cell.json names it',
  ),
  console: option(
    flag,
    false,
    'true: serve the web console at /console/ of the HTTP port; its pages, of all members, may be clients here',
  ),
  clientMessagesPerSecMax: option(
    positive,
    5_000,
    'batches, reads and clock questions per second and client key',
  ),
  clientBytesPerSecMax: option(positive, 64 << 20, 'bytes per second and client key'),
  clientsMax: option(positive, 4_096, 'client links at once'),
  verifierQueueMax: option(positive, 256, 'slow checks waiting for the worker'),
  diskFreeBytesMin: option(
    positive,
    128 << 20,
    'bytes free on the disk of dir, below which the replica takes nothing more until there is room',
  ),
};

type Raw = Readonly<Record<string, unknown>>;

/**
 * Flag over environment over file over default; unknown keys are refused.
 * @param flags parsed `--name value` pairs
 * @param env the process environment; only `FATTY_<NAME>` of known options is read
 * Codes: `bad_config` (unknown key or wrong value), `config_unreadable`.
 */
export function loadConfig(flags: Raw, env: NodeJS.ProcessEnv): Outcome<NodeConfig> {
  const dir = flags.dir ?? env.FATTY_DIR;
  if (typeof dir !== 'string' || dir === '') return fail('bad_config', 'dir', 'nothing');
  const file = readFile(join(dir, 'config.json'));
  if (!file.ok) return file;
  const layers = { ...defaults(dir), ...file.value, ...fromEnv(env), ...flags };
  return check(layers);
}

function defaults(dir: string): Raw {
  const values = Object.entries(OPTIONS).map(([name, { fallback }]) => [name, fallback]);
  return { ...Object.fromEntries(values), dir, cell: join(dir, '..', 'cell.json') };
}

function readFile(path: string): Outcome<Raw> {
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
      return ok(parsed as Raw);
    }
    return fail('config_unreadable', `${path}: a JSON object`, 'other JSON');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ok({});
    return fail('config_unreadable', `${path}: a JSON object`, (error as Error).message);
  }
}

/** `peerPort` is `FATTY_PEER_PORT`. */
export function envName(name: string): string {
  return `FATTY_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function fromEnv(env: NodeJS.ProcessEnv): Raw {
  const found: Record<string, unknown> = {};
  for (const name of Object.keys(OPTIONS)) {
    const value = env[envName(name)];
    if (value !== undefined) found[name] = value;
  }
  return found;
}

function check(layers: Raw): Outcome<NodeConfig> {
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(layers)) {
    // Own names only: `constructor` is no option.
    if (!Object.hasOwn(OPTIONS, name)) {
      return fail('bad_config', `one of ${Object.keys(OPTIONS).join(' ')}`, name);
    }
    const known = OPTIONS[name as OptionName];
    const result = v.safeParse(known.schema, typed(known, value));
    if (!result.success) {
      return fail('bad_config', `${name}: ${result.issues[0].message}`, String(value));
    }
    values[name] = result.output;
  }
  const config = values as unknown as NodeConfig;
  const unreachable = checkReachable(config);
  if (unreachable) return unreachable;
  if ((config.tlsCert === '') !== (config.tlsKey === '')) {
    return fail('bad_config', 'tlsCert and tlsKey together', 'one of them');
  }
  return checkPlain(config) ?? ok(config);
}

/** Without TLS whoever is on the path reads and writes what is not signed by itself. */
function checkPlain({
  host,
  advertise,
  tlsCert,
  insecure,
}: NodeConfig): Outcome<never> | undefined {
  if (tlsCert !== '' || insecure) return undefined;
  const beyond = [host, advertise].find(
    (one, i) =>
      (i === 0 && isWildcard(one)) || (one !== '' && isPlainBeyond(`ws://${urlHost(one)}`)),
  );
  if (beyond === undefined) return undefined;
  const expected =
    'tlsCert and tlsKey to be reached beyond loopback, or insecure: true (--insecure)';
  return fail('bad_config', expected, `plain ws at ${beyond === '' ? "''" : beyond}`);
}

/** Binds every address of the machine: nothing that others could dial. */
export function isWildcard(host: string): boolean {
  return /^[[\]0.:]*$/.test(host);
}

/** What is published must be something to dial, and the host part of a URL. */
function checkReachable({ host, advertise }: NodeConfig): Outcome<never> | undefined {
  if (advertise === '') {
    if (!isWildcard(host)) return undefined;
    return fail('bad_config', `advertise, the address to reach ${host} at`, 'nothing');
  }
  const url = `ws://${urlHost(advertise)}`;
  if (!isWildcard(advertise) && URL.canParse(url) && new URL(url).pathname === '/') {
    const { host: alone, username, search, hash, port: none } = new URL(url);
    if (alone !== '' && `${username}${search}${hash}${none}` === '') return undefined;
  }
  return fail('bad_config', 'advertise: a host name or address, no port', advertise);
}

/** Flags and environment are text; `''` is no number. */
function typed(option: Option, value: unknown): unknown {
  const numeric = typeof option.fallback === 'number' && typeof value === 'string' && value !== '';
  return numeric ? Number(value) : value;
}

/** The configuration reference, one Markdown table row per option. */
export function configReference(): string {
  const rows = Object.entries(OPTIONS).map(([name, { fallback, about }]) => {
    const value = fallback === undefined || fallback === '' ? '' : `\`${fallback}\``;
    return `| \`${name}\` | \`${envName(name)}\` | ${value} | ${about} |`;
  });
  return ['| option | environment | default | meaning |', '|---|---|---|---|', ...rows, ''].join(
    '\n',
  );
}
