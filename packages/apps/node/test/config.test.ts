// Tests of settings.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { envName } from '../src/config.ts';
import { configReference, loadConfig, OPTIONS } from '../src/index.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fatty-config-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const file = (value: unknown): void =>
  writeFileSync(
    join(dir, 'config.json'),
    typeof value === 'string' ? value : JSON.stringify(value),
  );

function configOf(flags: object, env: NodeJS.ProcessEnv = {}) {
  const config = loadConfig({ dir, ...flags }, env);
  if (!config.ok) throw new Error(`${config.failure.code}: ${config.failure.actual}`);
  return config.value;
}

function codeOf(flags: object, env: NodeJS.ProcessEnv = {}): string | undefined {
  const config = loadConfig({ dir, ...flags }, env);
  return config.ok ? undefined : config.failure.code;
}

describe('precedence', () => {
  it('takes flag over environment over file over default', () => {
    expect(configOf({}).clientPort).toBe(0);
    file({ clientPort: 1, peerPort: 1, httpPort: 1 });
    const env = { FATTY_CLIENT_PORT: '2', FATTY_PEER_PORT: '2' };
    expect(configOf({ clientPort: '3' }, env)).toMatchObject({
      clientPort: 3,
      peerPort: 2,
      httpPort: 1,
      host: '127.0.0.1',
    });
  });

  it('takes dir from the environment and finds cell.json beside it', () => {
    const config = loadConfig({}, { FATTY_DIR: dir });
    expect(config).toMatchObject({ ok: true, value: { dir, cell: join(dir, '..', 'cell.json') } });
    expect(loadConfig({}, {})).toMatchObject({ ok: false, failure: { code: 'bad_config' } });
  });

  it('spells every option as an environment variable of its own', () => {
    expect(envName('clientMessagesPerSecMax')).toBe('FATTY_CLIENT_MESSAGES_PER_SEC_MAX');
    const names = Object.keys(OPTIONS).map(envName);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('refusals', () => {
  it('refuses unknown keys, also those that every object has', () => {
    for (const name of ['peerport', 'constructor', '__proto__', 'toString']) {
      file(`{${JSON.stringify(name)}: 1}`);
      expect([name, codeOf({})]).toEqual([name, 'bad_config']);
    }
    file({});
    expect(codeOf({ nonsense: '1' })).toBe('bad_config');
  });

  it('refuses wrong values and names the option', () => {
    for (const bad of ['', '-1', '65536', '1.5', 'many', 'NaN']) {
      expect([bad, codeOf({ peerPort: bad })]).toEqual([bad, 'bad_config']);
    }
    expect(codeOf({}, { FATTY_LOG_LEVEL: 'loud' })).toBe('bad_config');
    const config = loadConfig({ dir, clientsMax: '0' }, {});
    expect(!config.ok && config.failure.expected).toContain('clientsMax');
  });

  it('wants both TLS files or none', () => {
    expect(codeOf({ tlsCert: 'c.pem' })).toBe('bad_config');
    expect(codeOf({ tlsKey: 'k.pem' })).toBe('bad_config');
    expect(codeOf({ tlsCert: 'c.pem', tlsKey: 'k.pem' })).toBe(undefined);
  });

  it('wants to know what others dial when it binds every address', () => {
    for (const host of ['0.0.0.0', '::', '[::]', '0', '::0', '']) {
      const config = loadConfig({ dir, host }, {});
      expect([host, !config.ok && config.failure.expected]).toEqual([
        host,
        `advertise, the address to reach ${host} at`,
      ]);
      expect(codeOf({ host, advertise: 'a.example', insecure: true })).toBe(undefined);
      expect(codeOf({ host: '10.0.0.1', advertise: host || '::', insecure: true })).toBe(
        'bad_config',
      );
    }
    for (const good of ['a.example', '10.1.2.3', '::1', '[fe80::1]', 'r-0']) {
      expect([good, codeOf({ host: '0.0.0.0', advertise: good, insecure: true })]).toEqual([
        good,
        undefined,
      ]);
    }
    for (const bad of ['a.example:7400', 'ws://a', 'a b', 'a/b', 'me@a', 'a?b', 'a#b']) {
      expect([bad, codeOf({ host: '0.0.0.0', advertise: bad, insecure: true })]).toEqual([
        bad,
        'bad_config',
      ]);
    }
    file({ host: '0.0.0.0', insecure: true });
    expect(configOf({}, { FATTY_ADVERTISE: 'b.example' }).advertise).toBe('b.example');
    for (const host of ['127.0.0.1', 'localhost', '10.0.0.1', '::1']) {
      expect([host, codeOf({ host, insecure: true })]).toEqual([host, undefined]);
    }
  });

  it('speaks plain ws beyond loopback only when it is told to, and says what to do', () => {
    for (const at of [
      { host: '10.0.0.1' },
      { host: '0.0.0.0', advertise: '127.0.0.1' },
      { host: '', advertise: 'localhost' },
      { host: '127.0.0.1', advertise: 'a.example' },
    ]) {
      const config = loadConfig({ dir, ...at }, {});
      expect(!config.ok && config.failure.expected).toMatch(/tlsCert and tlsKey .*insecure/);
      expect(codeOf({ ...at, insecure: true })).toBe(undefined);
      expect(codeOf({ ...at, insecure: 'true' })).toBe(undefined);
      expect(codeOf({ ...at, insecure: 'false' })).toBe('bad_config');
      expect(codeOf({ ...at, tlsCert: 'c', tlsKey: 'k' })).toBe(undefined);
    }
    for (const host of ['127.0.0.1', 'localhost', '127.1.2.3', '::1', '[::1]']) {
      expect([host, codeOf({ host })]).toEqual([host, undefined]);
    }
    expect(codeOf({ insecure: 'yes' })).toBe('bad_config');
  });

  it('takes lists of origins and names from a file, and as text', () => {
    const origins = ['https://a.example', 'http://b.example:8080'];
    file({ allowOrigins: origins, allowHosts: ['r0'] });
    expect(configOf({})).toMatchObject({ allowOrigins: origins, allowHosts: ['r0'] });
    expect(configOf({ allowOrigins: ` ${origins.join(' , ')},` }).allowOrigins).toEqual(origins);
    file({});
    expect(configOf({})).toMatchObject({ allowOrigins: [], allowHosts: [], insecure: false });
    for (const bad of [
      'a.example',
      'https://a.example/',
      'https://a.example/x',
      'HTTPS://a.example',
      'null',
    ]) {
      expect([bad, codeOf({ allowOrigins: bad })]).toEqual([bad, 'bad_config']);
    }
  });

  it('says so when the file is no JSON object', () => {
    for (const text of ['', '{', '[]', 'null', '3', '"peerPort"']) {
      file(text);
      expect([text, codeOf({})]).toEqual([text, 'config_unreadable']);
    }
  });

  it('never throws, whatever the file says', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        file(text);
        expect(typeof loadConfig({ dir }, {}).ok).toBe('boolean');
      }),
      { numRuns: 200 },
    );
  });
});

describe('what people see', () => {
  it('has the generated reference in the README', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    expect(readme).toContain(configReference());
    for (const name of Object.keys(OPTIONS)) expect(configReference()).toContain(`\`${name}\``);
  });

  it('prints the configuration in force with --print-config, and exits 2 on a bad one', () => {
    file({ clientPort: 7420 });
    const main = new URL('../dist/main.js', import.meta.url).pathname;
    const run = (...args: string[]): string =>
      execFileSync(process.execPath, [main, '--dir', dir, ...args], {
        encoding: 'utf8',
        env: { ...process.env, FATTY_HTTP_PORT: '7440' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    const printed: unknown = JSON.parse(run('--print-config', '--peerPort', '7400'));
    expect(printed).toMatchObject({ dir, peerPort: 7400, clientPort: 7420, httpPort: 7440 });
    const reached = ['--host', '0.0.0.0', '--advertise', 'a.example', '--insecure'];
    expect(JSON.parse(run('--print-config', ...reached))).toMatchObject({ advertise: 'a.example' });
    for (const bad of [
      ['--host', '0.0.0.0'],
      ['--peer-port', '1'],
      ['--peerPort', 'x'],
      ['stray'],
    ]) {
      expect(() => run(...bad)).toThrow(expect.objectContaining({ status: 2 }));
    }
  });
});
