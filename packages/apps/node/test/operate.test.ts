// Holds what operators are given (operate/) against what there is.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { envName, loadConfig, OPTIONS } from '../src/config.ts';
import { Telemetry } from '../src/telemetry.ts';
import { HEALTHY } from './healthy.ts';

const read = (name: string): string =>
  readFileSync(new URL(`../operate/${name}`, import.meta.url), 'utf8');

/** Every figure that a replica exports, with its labels and their values where those are fixed. */
async function exported(): Promise<{
  names: Set<string>;
  checks: Set<string>;
  states: Set<string>;
}> {
  const config = loadConfig({ dir: '/nowhere', logLevel: 'silent' }, {});
  if (!config.ok) throw new Error(config.failure.code);
  const clock = { nowMs: () => 0, monotonicMs: () => 0 };
  const telemetry = new Telemetry({ config: config.value, me: () => 0, clock });
  telemetry.gauges(HEALTHY, { peersUp: 3, clients: 0, sessions: 0 });
  const text = await telemetry.metrics.registry.metrics();
  const all = (pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, one = '']) => one);
  const types = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)];
  return {
    names: new Set(
      types.flatMap(([, name = '', type]) =>
        type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
      ),
    ),
    checks: new Set(all(/^fatty_check\{check="([^"]+)"\}/gm)),
    states: new Set(all(/^fatty_state\{state="([^"]+)"\}/gm)),
  };
}

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

const alerts = (parse(read('alerts.yaml')) as { groups: { rules: Alert[] }[] }).groups.flatMap(
  ({ rules }) => rules,
);

interface Panel {
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number };
  readonly targets: readonly { readonly expr: string }[];
}

const { panels } = JSON.parse(read('dashboard.json')) as { panels: readonly Panel[] };
const shown = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

const figuresOf = (expr: string): string[] => expr.match(/\b(fatty|nodejs|process)_\w+/g) ?? [];

describe('alerts and board', () => {
  it('ask for nothing that a replica does not export', async () => {
    const { names, checks, states } = await exported();
    const asked = [...alerts.map(({ expr }) => expr), ...shown];
    expect(asked.flatMap(figuresOf).filter((name) => !names.has(name))).toEqual([]);
    expect(asked.filter((expr) => figuresOf(expr).length === 0)).toEqual(['up{job="fatty"} == 0']);
    const labels = (label: string): string[] =>
      asked.flatMap((expr) =>
        [...expr.matchAll(new RegExp(`\\{${label}="([^"]+)"`, 'g'))].map(([, one = '']) => one),
      );
    expect(labels('check').filter((check) => !checks.has(check))).toEqual([]);
    expect(labels('state').filter((state) => !states.has(state))).toEqual([]);
    expect(labels('check').length).toBeGreaterThan(3);
  });

  it('show every figure of ours', async () => {
    const { names } = await exported();
    const onBoard = new Set(shown.flatMap(figuresOf).map((name) => name.replace(/_bucket$/, '')));
    const ours = [...names]
      .filter((name) => name.startsWith('fatty_') && !/_(sum|count)$/.test(name))
      .map((name) => name.replace(/_bucket$/, ''));
    expect(ours.filter((name) => !onBoard.has(name))).toEqual([]);
  });

  it('have a section in the runbook for each alarm, and no other', () => {
    const sections = [...read('RUNBOOK.md').matchAll(/^## (\w+)$/gm)].map(([, name]) => name);
    expect(sections).toEqual(alerts.map(({ alert }) => alert));
    for (const { alert, annotations } of alerts) {
      expect(annotations.runbook).toBe(`RUNBOOK.md#${alert.toLowerCase()}`);
    }
  });

  it('have no two panels in one place', () => {
    const places = panels.map(({ gridPos: { x, y } }) => `${x},${y}`);
    expect(new Set(places).size).toBe(panels.length);
  });
});

interface Service {
  readonly environment: Readonly<Record<string, string>>;
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly user: string;
  readonly volumes: readonly string[];
}

describe('containers and the unit', () => {
  const known = new Set(Object.keys(OPTIONS).map(envName));

  it('set options that there are', () => {
    const { services } = parse(read('compose.yaml'), { merge: true }) as {
      services: Readonly<Record<string, Service>>;
    };
    const image = [...read('Containerfile').matchAll(/\b(FATTY_\w+)=/g)].map(
      ([, name = '']) => name,
    );
    const composed = Object.values(services).flatMap(({ environment }) => Object.keys(environment));
    expect(image).toHaveLength(3);
    expect(composed).toHaveLength(20);
    expect([...image, ...composed].filter((name) => !known.has(name))).toEqual([]);
    const unit = [...read('fatty@.service').matchAll(/^ExecStart=.* --(\w+)/gm)].map(
      ([, name = '']) => name,
    );
    expect(unit).toEqual(['dir']);
  });

  it('make four members, each in its own folder, that may do little on their host', () => {
    const { services } = parse(read('compose.yaml'), { merge: true }) as {
      services: Readonly<Record<string, Service>>;
    };
    const all = Object.entries(services);
    expect(all.map(([name]) => name)).toEqual(['r0', 'r1', 'r2', 'r3']);
    for (const [name, service] of all) {
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
      expect(service.environment.FATTY_ADVERTISE).toBe(name);
      expect(service.volumes[0]).toBe(`./cell/${name}:/var/lib/fatty/replica`);
      const config = loadConfig({ dir: '/var/lib/fatty/replica' }, service.environment);
      expect(config.ok ? '' : config.failure).toBe('');
    }
    const stages = read('Containerfile').split(/^FROM /m);
    expect(stages.at(-1)).toMatch(/^USER 10001:10001$/m);
    expect(stages.at(-1)).toMatch(/^HEALTHCHECK /m);
  });
});
